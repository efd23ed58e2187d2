//! What the shop sells.

use std::borrow::Borrow;

use super::cashier::Cashier;
use crate::web::Language;

/// A good; names and descriptions are in Kazakh, Russian and English.
pub struct Good {
    /// Its name in addresses.
    pub id: &'static str,
    /// Minor units of tenge, and of rupees.
    price: [i64; 2],
    /// An SVG text.
    pub picture: &'static str,
    name: [&'static str; 3],
    description: [&'static str; 3],
}

impl Good {
    /// The name in a language.
    pub fn name(&self, language: impl Borrow<Language>) -> &'static str {
        pick(&self.name, *language.borrow())
    }

    /// The price of a number of pieces.
    pub fn price_of(&self, quantity: impl Borrow<u32>, cashier: impl Borrow<Cashier>) -> i64 {
        let each = match *cashier.borrow() {
            Cashier::Tenge => self.price[0],
            Cashier::Rupees => self.price[1],
        };
        each * i64::from(*quantity.borrow())
    }

    /// The description in a language.
    pub fn description(&self, language: impl Borrow<Language>) -> &'static str {
        pick(&self.description, *language.borrow())
    }
}

fn pick(texts: &[&'static str; 3], language: Language) -> &'static str {
    match language {
        Language::Kk => texts[0],
        Language::Ru => texts[1],
        Language::En => texts[2],
    }
}

/// Finds a good by its name in addresses.
pub fn find(id: &str) -> Option<&'static Good> {
    GOODS.iter().find(|good| good.id == id)
}

/// Everything there is to buy.
pub static GOODS: [Good; 6] = [
    Good {
        id: "dombra",
        price: [8_500_000, 1_449_900],
        picture: include_str!("../../assets/dombra.svg"),
        name: ["Домбыра", "Домбра", "Dombra"],
        description: [
            "Қарағайдан қолмен жасалған екі ішекті аспап. Дауысы қоңыр, жанға жайлы.",
            "Двухструнная, из сосны, собрана вручную. Звук мягкий и тёплый.",
            "Two strings, pine, made by hand. Its voice is soft and warm.",
        ],
    },
    Good {
        id: "taqiya",
        price: [1_250_000, 215_000],
        picture: include_str!("../../assets/taqiya.svg"),
        name: ["Тақия", "Тюбетейка", "Taqiya cap"],
        description: [
            "Барқыт тақия, алтын жіппен кестеленген қошқармүйіз өрнегі.",
            "Бархат и вышивка золотой нитью: узор «бараний рог».",
            "Velvet, with the ram's horn ornament in golden thread.",
        ],
    },
    Good {
        id: "piala",
        price: [980_000, 168_000],
        picture: include_str!("../../assets/piala.svg"),
        name: ["Кесе жинағы", "Набор пиал", "Tea bowls"],
        description: [
            "Алты кесе: көк сыр, қолмен салынған өрнек. Шай жақсы суынбайды.",
            "Шесть пиал: синяя глазурь и роспись кистью. Чай долго не остывает.",
            "Six bowls, blue glaze painted by brush. Tea stays warm in them.",
        ],
    },
    Good {
        id: "tekemet",
        price: [6_400_000, 1_090_000],
        picture: include_str!("../../assets/tekemet.svg"),
        name: ["Текемет", "Войлочный ковёр", "Felt carpet"],
        description: [
            "Қой жүнінен басылған киіз, 140 × 200 см. Үйге жылу мен береке әкеледі.",
            "Валяная шерсть, 140 × 200 см. Тепло и тихо, как в юрте.",
            "Felted wool, 140 × 200 cm. Warm and quiet, as in a yurt.",
        ],
    },
    Good {
        id: "honey",
        price: [720_000, 124_050],
        picture: include_str!("../../assets/honey.svg"),
        name: ["Алтай балы", "Алтайский мёд", "Altai honey"],
        description: [
            "Таулы шалғынның балы, 1 кг. Шыны құты, ағаш қасық сыйға.",
            "С горных лугов, 1 кг в стекле. Деревянная ложка в подарок.",
            "From mountain meadows, 1 kg in glass, with a wooden spoon.",
        ],
    },
    Good {
        id: "baursak",
        price: [270_050, 46_000],
        picture: include_str!("../../assets/baursak.svg"),
        name: ["Бауырсақ", "Баурсаки", "Baursaks"],
        description: [
            "Таңертең пісірілген, бір табақ. Дастарқанның көркі.",
            "Целое блюдо, испечены сегодня утром. Без них стол не накрыт.",
            "A whole dish, fried this morning. No table is set without them.",
        ],
    },
];
