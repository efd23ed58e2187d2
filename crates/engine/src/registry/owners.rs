//! Resellers and merchants: made and renamed by the people of a reseller above them.

use altyn_domain::{Bucket, MerchantId, Permission, ResellerId, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{check_tag, name};
use crate::directory::Directory;
use crate::settings::Edit;
use crate::trail::Act;
use crate::tree::{Merchant, Reseller};
use crate::{Caller, Engine, Flaw, OfficeError};

/// A reseller, as people see it.
#[derive(Debug, Clone)]
pub struct ResellerView {
    /// Its id.
    pub id: ResellerId,
    /// The reseller above it; `None` for the root.
    pub parent_id: Option<ResellerId>,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    tag: String,
}

impl ResellerView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

/// A merchant, as people see it.
#[derive(Debug, Clone)]
pub struct MerchantView {
    /// Its id.
    pub id: MerchantId,
    /// The reseller above it.
    pub reseller_id: ResellerId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    tag: String,
}

impl MerchantView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

impl Engine {
    /// Makes a reseller under one in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_reseller(
        &self,
        caller: &Caller,
        parent: ResellerId,
        text: &str,
    ) -> Result<ResellerView, OfficeError> {
        caller.require(Permission::TreeManage)?;
        caller.require(Permission::TreeView)?;
        let id = ResellerId::new(self.now(), Bucket::new(0), self.entropy().random());
        self.edit(|_| {
            if !self.reach(caller).reseller(parent) {
                return Err(OfficeError::invalid("parent_id", "no such reseller"));
            }
            let reseller = Reseller {
                id,
                parent: Some(parent),
                name: checked_name(text)?,
                created_at: self.now(),
            };
            self.reseller_edit(caller, &reseller, "reseller.created")
        })
        .await?;
        self.reseller_view(caller, id).map_err(OfficeError::late)
    }

    /// Renames a reseller below the caller's own; the root operator's people rename the root too.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn update_reseller(
        &self,
        caller: &Caller,
        id: ResellerId,
        text: &str,
        expected_tag: Option<&str>,
    ) -> Result<ResellerView, OfficeError> {
        caller.require(Permission::TreeManage)?;
        caller.require(Permission::TreeView)?;
        self.edit(|directory| {
            let reach = self.reach(caller);
            let known = directory.resellers.get(&id);
            let known = known.filter(|_| reach.reseller(id));
            let known = known.ok_or(OfficeError::NotFound)?;
            let is_own = caller.scope() == Some(altyn_domain::Scope::Reseller(id));
            if is_own && !reach.is_whole() {
                let words = "a reseller is renamed by the people of one above it";
                return Err(OfficeError::Rank(words));
            }
            check_tag(expected_tag, tag(directory, id.uuid()))?;
            let reseller = Reseller {
                name: checked_name(text)?,
                ..known.clone()
            };
            if reseller.name == known.name {
                return Ok((Edit::default(), ()));
            }
            self.reseller_edit(caller, &reseller, "reseller.changed")
        })
        .await?;
        self.reseller_view(caller, id).map_err(OfficeError::late)
    }

    /// A reseller in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn reseller_view(
        &self,
        caller: &Caller,
        id: ResellerId,
    ) -> Result<ResellerView, OfficeError> {
        let all = self.resellers(caller)?;
        let found = all.into_iter().find(|reseller| reseller.id == id);
        found.ok_or(OfficeError::NotFound)
    }

    /// All resellers in reach, by name.
    ///
    /// # Errors
    /// If the caller lacks the permission.
    pub fn resellers(&self, caller: &Caller) -> Result<Vec<ResellerView>, OfficeError> {
        caller.require(Permission::TreeView)?;
        let reach = self.reach(caller);
        let directory = &reach.directory;
        let found = directory.resellers.values();
        let found = found.filter(|reseller| reach.reseller(reseller.id));
        let mut views: Vec<ResellerView> = found
            .map(|reseller| ResellerView {
                id: reseller.id,
                // Who stands above the caller is not told.
                parent_id: reseller.parent.filter(|parent| reach.reseller(*parent)),
                name: reseller.name.clone(),
                created_at: reseller.created_at,
                tag: tag(directory, reseller.id.uuid()).to_owned(),
            })
            .collect();
        views.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(views)
    }

    /// Makes a merchant under a reseller in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_merchant(
        &self,
        caller: &Caller,
        reseller_id: ResellerId,
        text: &str,
    ) -> Result<MerchantView, OfficeError> {
        caller.require(Permission::TreeManage)?;
        caller.require(Permission::TreeView)?;
        let id = MerchantId::new(self.now(), Bucket::new(0), self.entropy().random());
        self.edit(|_| {
            if !self.reach(caller).reseller(reseller_id) {
                return Err(OfficeError::invalid("reseller_id", "no such reseller"));
            }
            let merchant = Merchant {
                id,
                reseller_id,
                name: checked_name(text)?,
                created_at: self.now(),
            };
            self.merchant_edit(caller, &merchant, "merchant.created")
        })
        .await?;
        self.merchant_view(caller, id).map_err(OfficeError::late)
    }

    /// Renames a merchant.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn update_merchant(
        &self,
        caller: &Caller,
        id: MerchantId,
        text: &str,
        expected_tag: Option<&str>,
    ) -> Result<MerchantView, OfficeError> {
        caller.require(Permission::TreeManage)?;
        caller.require(Permission::TreeView)?;
        self.edit(|directory| {
            let known = directory.merchants.get(&id);
            let known = known.filter(|one| self.reach(caller).merchant(one.id));
            let known = known.ok_or(OfficeError::NotFound)?;
            check_tag(expected_tag, tag(directory, id.uuid()))?;
            let merchant = Merchant {
                name: checked_name(text)?,
                ..known.clone()
            };
            if merchant.name == known.name {
                return Ok((Edit::default(), ()));
            }
            self.merchant_edit(caller, &merchant, "merchant.changed")
        })
        .await?;
        self.merchant_view(caller, id).map_err(OfficeError::late)
    }

    /// A merchant in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn merchant_view(
        &self,
        caller: &Caller,
        id: MerchantId,
    ) -> Result<MerchantView, OfficeError> {
        let all = self.merchants(caller)?;
        let found = all.into_iter().find(|merchant| merchant.id == id);
        found.ok_or(OfficeError::NotFound)
    }

    /// All merchants in reach, by name.
    ///
    /// # Errors
    /// If the caller lacks the permission.
    pub fn merchants(&self, caller: &Caller) -> Result<Vec<MerchantView>, OfficeError> {
        caller.require(Permission::TreeView)?;
        let reach = self.reach(caller);
        let directory = &reach.directory;
        let found = directory.merchants.values();
        let found = found.filter(|merchant| reach.merchant(merchant.id));
        let mut views: Vec<MerchantView> = found
            .map(|merchant| MerchantView {
                id: merchant.id,
                reseller_id: merchant.reseller_id,
                name: merchant.name.clone(),
                created_at: merchant.created_at,
                tag: tag(directory, merchant.id.uuid()).to_owned(),
            })
            .collect();
        views.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(views)
    }

    fn reseller_edit(
        &self,
        caller: &Caller,
        reseller: &Reseller,
        action: &'static str,
    ) -> Result<(Edit, ()), OfficeError> {
        let id = reseller.id;
        let detail = json!({"name": reseller.name});
        let edit = Edit {
            entries: vec![reseller.entry(&self.sealer())?],
            acts: vec![Act::by(caller, Some(id.uuid()), action, id, detail)],
            ..Edit::default()
        };
        Ok((edit, ()))
    }

    fn merchant_edit(
        &self,
        caller: &Caller,
        merchant: &Merchant,
        action: &'static str,
    ) -> Result<(Edit, ()), OfficeError> {
        let id = merchant.id;
        let detail = json!({"name": merchant.name});
        let edit = Edit {
            entries: vec![merchant.entry(&self.sealer())?],
            acts: vec![Act::by(caller, Some(id.uuid()), action, id, detail)],
            ..Edit::default()
        };
        Ok((edit, ()))
    }
}

fn checked_name(text: &str) -> Result<String, OfficeError> {
    let mut flaws: Vec<Flaw> = Vec::new();
    let name = name("name", text, &mut flaws);
    if flaws.is_empty() {
        Ok(name)
    } else {
        Err(OfficeError::Invalid(flaws))
    }
}

fn tag(directory: &Directory, id: Uuid) -> &str {
    directory.tags.get(&id).map_or("", String::as_str)
}
