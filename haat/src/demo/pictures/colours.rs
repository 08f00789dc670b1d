//! What things can be coloured with, and before what they stand.

/// A colour of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Colour {
    Indigo,
    Crimson,
    Leaf,
    Sand,
    Gold,
    Steel,
    Clay,
    Tan,
    Sky,
    Plum,
    Charcoal,
}

/// A colour as it is drawn: itself, in shade and in light.
pub struct Shades {
    pub plain: &'static str,
    pub dark: &'static str,
    pub light: &'static str,
}

const fn shades(plain: &'static str, dark: &'static str, light: &'static str) -> Shades {
    Shades { plain, dark, light }
}

impl Colour {
    /// Every one.
    pub const ALL: [Colour; 11] = [
        Colour::Indigo,
        Colour::Crimson,
        Colour::Leaf,
        Colour::Sand,
        Colour::Gold,
        Colour::Steel,
        Colour::Clay,
        Colour::Tan,
        Colour::Sky,
        Colour::Plum,
        Colour::Charcoal,
    ];

    /// In names of pictures.
    pub fn as_str(self) -> &'static str {
        match self {
            Colour::Indigo => "indigo",
            Colour::Crimson => "crimson",
            Colour::Leaf => "leaf",
            Colour::Sand => "sand",
            Colour::Gold => "gold",
            Colour::Steel => "steel",
            Colour::Clay => "clay",
            Colour::Tan => "tan",
            Colour::Sky => "sky",
            Colour::Plum => "plum",
            Colour::Charcoal => "charcoal",
        }
    }

    /// From the name of a picture.
    pub fn parse(text: &str) -> Option<Colour> {
        Colour::ALL.into_iter().find(|c| c.as_str() == text)
    }

    /// As it is drawn.
    pub fn shades(self) -> Shades {
        match self {
            Colour::Indigo => shades("#3f51a3", "#2b3877", "#8d9bdb"),
            Colour::Crimson => shades("#b3263e", "#80152a", "#e58797"),
            Colour::Leaf => shades("#3f8f5a", "#28653d", "#9ad0a8"),
            Colour::Sand => shades("#cfa36a", "#9d7541", "#ecd3ae"),
            Colour::Gold => shades("#d9a441", "#a8741c", "#f3d58c"),
            Colour::Steel => shades("#9aa7b4", "#66727e", "#dbe3ea"),
            Colour::Clay => shades("#c4693f", "#8e4526", "#eab394"),
            Colour::Tan => shades("#a8683a", "#754322", "#d9a679"),
            Colour::Sky => shades("#4aa3d1", "#2a739b", "#b4dcf0"),
            Colour::Plum => shades("#7d4a94", "#573068", "#c5a0d6"),
            Colour::Charcoal => shades("#44505c", "#2b343d", "#8f9ba7"),
        }
    }

    /// What goes with it.
    pub fn goes_with(self) -> Colour {
        match self {
            Colour::Indigo | Colour::Crimson | Colour::Leaf => Colour::Gold,
            Colour::Sand | Colour::Gold => Colour::Crimson,
            Colour::Steel | Colour::Charcoal => Colour::Clay,
            Colour::Clay | Colour::Tan => Colour::Indigo,
            Colour::Sky => Colour::Gold,
            Colour::Plum => Colour::Sand,
        }
    }
}

/// Before what things stand: one for each root of the category tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Ground {
    Fashion,
    Home,
    Food,
    Outdoors,
    Paper,
    Digital,
    Learning,
}

impl Ground {
    const ALL: [Ground; 7] =
        [Ground::Fashion, Ground::Home, Ground::Food, Ground::Outdoors, Ground::Paper, Ground::Digital, Ground::Learning];

    /// In names of pictures.
    pub fn as_str(self) -> &'static str {
        match self {
            Ground::Fashion => "fashion",
            Ground::Home => "home",
            Ground::Food => "food",
            Ground::Outdoors => "outdoors",
            Ground::Paper => "paper",
            Ground::Digital => "digital",
            Ground::Learning => "learning",
        }
    }

    /// From the name of a picture.
    pub fn parse(text: &str) -> Option<Ground> {
        Ground::ALL.into_iter().find(|g| g.as_str() == text)
    }

    /// Its middle and its edge.
    pub fn colours(self) -> (&'static str, &'static str) {
        match self {
            Ground::Fashion => ("#fdeee6", "#f6cdbd"),
            Ground::Home => ("#fdf3dd", "#f1d9a6"),
            Ground::Food => ("#eef6e4", "#cbe2b0"),
            Ground::Outdoors => ("#e4f2f7", "#b5d9e6"),
            Ground::Paper => ("#f4eefb", "#d6c7ec"),
            Ground::Digital => ("#e6ecff", "#b8c7fb"),
            Ground::Learning => ("#fff0f0", "#f6c4cc"),
        }
    }

    /// What is behind the thing.
    pub fn scenery(self) -> &'static str {
        match self {
            Ground::Fashion => r##"<path d="M110 800 V390 Q110 100 400 100 Q690 100 690 390 V800 Z" fill="#fff" fill-opacity=".45"/>"##,
            Ground::Home => {
                r##"<path d="M0 702 H800 V800 H0 Z" fill="#b98a4a" fill-opacity=".28"/><circle cx="400" cy="380" r="300" fill="#fff" fill-opacity=".45"/>"##
            }
            Ground::Food => {
                r##"<path d="M0 640 Q200 560 400 630 T800 600 V800 H0 Z" fill="#8fbf6d" fill-opacity=".35"/><circle cx="400" cy="370" r="290" fill="#fff" fill-opacity=".5"/>"##
            }
            Ground::Outdoors => {
                r##"<path d="M0 620 L170 420 L300 560 L470 330 L640 560 L720 470 L800 560 V800 H0 Z" fill="#6fa9bf" fill-opacity=".3"/><circle cx="640" cy="170" r="70" fill="#fff" fill-opacity=".7"/>"##
            }
            Ground::Paper => {
                r##"<path d="M0 690 H800 V800 H0 Z" fill="#7a5fa3" fill-opacity=".2"/><path d="M130 110 H670 V690 H130 Z" fill="#fff" fill-opacity=".4"/>"##
            }
            Ground::Digital => {
                r##"<g fill="#fff" fill-opacity=".5"><circle cx="400" cy="400" r="310"/><circle cx="120" cy="140" r="46"/><circle cx="690" cy="650" r="58"/><circle cx="690" cy="130" r="26"/></g>"##
            }
            Ground::Learning => {
                r##"<path d="M0 680 H800 V800 H0 Z" fill="#d98a98" fill-opacity=".3"/><rect x="90" y="90" width="620" height="520" rx="60" fill="#fff" fill-opacity=".45"/>"##
            }
        }
    }
}
