//! Who may depend on whom: `haat → services → {kit, bus, contracts}`, `kit → {bus, contracts}`, nothing else.

use super::Finding;
use super::tree::{Need, Package, Tree};

/// What the package in this folder may need of the workspace.
fn allowed(package: &Package) -> &'static [&'static str] {
    match package.folder.as_str() {
        "crates/contracts" | "xtask" => &[],
        "crates/bus" => &["contracts"],
        "crates/kit" => &["bus", "contracts"],
        "crates/testing" => &["kit", "bus", "contracts"],
        _ => &["kit", "bus", "contracts"],
    }
}

/// Packages that need what they may not know of.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let service = package.folder.strip_prefix("services/");
        if service.is_some_and(|folder| folder != package.name) {
            let text = format!("the package is called {}; a service is called as its folder is", package.name);
            found.push(Finding::new(&manifest, 1, text));
        }
        for need in package.needs.iter().filter(|need| !fits(tree, package, need)) {
            let text = format!("{} depends on {}; allowed: {}", package.name, need.name, list(allowed(package)));
            found.push(Finding::new(&manifest, line_of(tree, &manifest, &need.name), text));
        }
    }
    found
}

fn fits(tree: &Tree, package: &Package, need: &Need) -> bool {
    if package.folder == "haat" {
        return need.name != "xtask";
    }
    let to_service = tree.packages.iter().any(|p| p.name == need.name && p.folder.starts_with("services/"));
    let ground = package.folder.starts_with("crates/");
    // Tests of a service may start others beside it; the ground may not even there.
    allowed(package).contains(&need.name.as_str()) || need.only_for_tests && !(ground && to_service)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing of the workspace".into() } else { names.join(", ") }
}

fn line_of(tree: &Tree, manifest: &str, name: &str) -> usize {
    let text = tree.files.iter().find(|f| f.path == manifest).map_or("", |f| &f.text);
    text.lines().position(|line| line.starts_with(name)).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, needs: &[(&str, bool)]) -> Package {
        let needs = needs.iter().map(|(name, only_for_tests)| Need { name: (*name).into(), only_for_tests: *only_for_tests });
        let name = folder.rsplit('/').next().unwrap_or(folder);
        Package { name: name.into(), folder: folder.into(), needs: needs.collect() }
    }

    fn tree_of(packages: Vec<Package>) -> Tree {
        let mut tree = Tree::of(&[]);
        tree.packages = packages;
        tree
    }

    #[test]
    fn only_the_drawn_arrows_are_allowed() {
        let cases: &[(&str, &str, bool, bool)] = &[
            ("haat", "orders", false, true),
            ("services/orders", "kit", false, true),
            ("services/orders", "cart", false, false),
            ("services/orders", "cart", true, true),
            ("services/orders", "testing", false, false),
            ("services/orders", "testing", true, true),
            ("crates/kit", "bus", false, true),
            ("crates/bus", "kit", false, false),
            ("crates/kit", "cart", true, false),
            ("crates/testing", "cart", false, false),
            ("crates/contracts", "bus", false, false),
            ("xtask", "kit", false, false),
        ];
        for (folder, need, only_for_tests, fine) in cases {
            let packages = vec![package(folder, &[(need, *only_for_tests)]), package("services/cart", &[])];
            let found = check(&tree_of(packages));
            assert_eq!(found.is_empty(), *fine, "{folder} needs {need}: {found:?}");
        }
    }

    #[test]
    fn a_wrong_arrow_is_shown_where_it_is_written() {
        let mut tree = Tree::of(&[("services/orders/Cargo.toml", "[dependencies]\nkit.workspace = true\ncart.workspace = true\n")]);
        tree.packages = vec![package("services/orders", &[("cart", false)]), package("services/cart", &[])];
        assert_eq!(check(&tree)[0].to_string(), "services/orders/Cargo.toml:3: orders depends on cart; allowed: kit, bus, contracts");
    }

    #[test]
    fn a_service_is_called_as_its_folder_is() {
        let mut wrong = package("services/orders", &[]);
        wrong.name = "order-service".into();
        assert_eq!(check(&tree_of(vec![wrong])).len(), 1);
    }
}
