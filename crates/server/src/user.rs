//! `altyn user`

use std::process::ExitCode;

use altyn_engine::{Secret, UserView};
use clap::{Args, Subcommand};

use crate::audit::Place;

/// Arguments of `altyn user`.
#[derive(Debug, Args)]
pub struct UserArguments {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a root operator, and print a password that is to be changed at the first use
    Root {
        #[command(flatten)]
        place: Place,
        /// The e-mail address to sign in with
        #[arg(long)]
        email: String,
        /// The name that others see
        #[arg(long, default_value = "Root operator")]
        name: String,
        /// Even if there is a root operator already
        #[arg(long)]
        another: bool,
    },
    /// Let in somebody who is locked out: print a new password, take the second factor away
    Reset {
        #[command(flatten)]
        place: Place,
        /// The person's e-mail address
        #[arg(long)]
        email: String,
    },
}

/// `altyn user`
pub async fn run(arguments: UserArguments) -> anyhow::Result<ExitCode> {
    let (view, password) = match arguments.command {
        UserCommand::Root {
            place,
            email,
            name,
            another,
        } => {
            let engine = place.open().await?;
            let made = engine.create_root(&email, &name, another).await;
            made.map_err(words)?
        }
        UserCommand::Reset { place, email } => {
            let engine = place.open().await?;
            engine.reset_user(&email).await.map_err(words)?
        }
    };
    print(&view, &password);
    Ok(ExitCode::SUCCESS)
}

/// What was refused, with every flaw of what was given.
pub fn words(error: altyn_engine::OfficeError) -> anyhow::Error {
    let altyn_engine::OfficeError::Invalid(flaws) = &error else {
        return error.into();
    };
    let flaws = flaws.iter();
    let flaws: Vec<_> = flaws
        .map(|f| format!("{}: {}", f.field, f.message))
        .collect();
    anyhow::anyhow!("{}", flaws.join("; "))
}

fn print(view: &UserView, password: &Secret) {
    let (id, email, password) = (view.id.to_string(), &view.email, password.expose());
    let shown = serde_json::json!({ "user_id": id, "email": email, "password": password });
    println!("{shown:#}");
}
