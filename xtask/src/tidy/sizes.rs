//! Small files, small functions.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::code::is_for_tests;
use super::tree::{File, Tree};

const FILE_LINES_MEDIAN: usize = 150;
const FILE_LINES_95_PERCENT: usize = 400;
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const ARGUMENTS_MAX: usize = 7;

/// Production files by their number of lines: none over the maximum, few over the usual limit, most far below.
pub fn files(tree: &Tree) -> Vec<Finding> {
    let mut sizes = sizes(tree);
    sizes.sort_by_key(|(lines, file)| (*lines, file.path.as_str()));
    let mut found = Vec::new();
    for (lines, file) in sizes.iter().filter(|(lines, _)| *lines > FILE_LINES_MAX) {
        found.push(Finding::new(&file.path, FILE_LINES_MAX + 1, format!("{lines} lines; allowed: {FILE_LINES_MAX}")));
    }
    let counts: Vec<_> = sizes.iter().map(|(lines, _)| *lines).collect();
    if at(&counts, 95) > FILE_LINES_95_PERCENT {
        let text = format!("over {FILE_LINES_95_PERCENT} lines, as are more than 5 % of the production files; split it by subject");
        let large = sizes.iter().filter(|(lines, _)| *lines > FILE_LINES_95_PERCENT);
        found.extend(large.map(|(_, file)| Finding::new(&file.path, FILE_LINES_95_PERCENT + 1, text.as_str())));
    }
    if at(&counts, 50) > FILE_LINES_MEDIAN {
        let text = format!("half of all production files have over {} lines; allowed: {FILE_LINES_MEDIAN}", at(&counts, 50));
        found.push(Finding::new("Cargo.toml", 1, text));
    }
    found
}

/// Functions by their lines and arguments.
pub fn functions(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production() {
        Functions { path: &file.path, found: &mut found }.visit_file(&code.tree);
    }
    found
}

/// The figures of the files in one line.
pub fn figures(tree: &Tree) -> String {
    let mut counts: Vec<_> = sizes(tree).iter().map(|(lines, _)| *lines).collect();
    counts.sort_unstable();
    let (median, most, largest) = (at(&counts, 50), at(&counts, 95), at(&counts, 100));
    format!("{} production files, median {median} lines, 95 % up to {most}, largest {largest}", counts.len())
}

fn sizes(tree: &Tree) -> Vec<(usize, &File)> {
    tree.production().map(|(file, _)| (file.text.lines().count(), file)).collect()
}

/// The value that `percent` of the sorted values do not exceed.
fn at(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

struct Functions<'a> {
    path: &'a str,
    found: &'a mut Vec<Finding>,
}

impl Functions<'_> {
    fn look(&mut self, signature: &syn::Signature, end: proc_macro2::Span) {
        let first = signature.span().start().line;
        let lines = end.end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let text = format!("function {} has {lines} lines; allowed: {FUNCTION_LINES_MAX}", signature.ident);
            self.found.push(Finding::new(self.path, first, text));
        }
        let arguments = signature.inputs.len();
        if arguments > ARGUMENTS_MAX {
            let text = format!("function {} has {arguments} arguments; allowed: {ARGUMENTS_MAX}", signature.ident);
            self.found.push(Finding::new(self.path, first, text));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.look(&function.sig, function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.look(&function.sig, function.block.span());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.look(&function.sig, function.span());
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    fn file(lines: usize) -> String {
        "//\n".repeat(lines)
    }

    #[test]
    fn a_file_over_the_maximum_is_named() {
        let (fine, large) = (file(600), file(601));
        let found = said(files, &[("haat/src/a.rs", "//"), ("haat/src/b.rs", "//"), ("haat/src/c.rs", &large)]);
        assert_eq!(found[0], "haat/src/c.rs:601: 601 lines; allowed: 600");
        let few: Vec<_> = (0..40).map(|n| (format!("haat/src/{n}.rs"), "//")).collect();
        let mut tree: Vec<_> = few.iter().map(|(p, t)| (p.as_str(), *t)).collect();
        tree.push(("haat/src/b.rs", &fine));
        assert!(said(files, &tree).is_empty(), "one large file in forty is allowed");
    }

    #[test]
    fn too_many_large_files_and_a_high_median_are_named() {
        let (large, middling) = (file(401), file(151));
        assert_eq!(said(files, &[("haat/src/a.rs", &large)]).len(), 2);
        let found = said(files, &[("haat/src/a.rs", &middling)]);
        assert_eq!(found, ["Cargo.toml:1: half of all production files have over 151 lines; allowed: 150"]);
        assert!(said(files, &[("haat/tests/it/a.rs", &large)]).is_empty(), "tests are not production");
    }

    #[test]
    fn long_functions_and_many_arguments_are_named() {
        let long = format!("/// Why.\nfn f(a: u8) {{\n{}}}\n", "    g();\n".repeat(69));
        assert_eq!(said(functions, &[("haat/src/a.rs", &long)]), ["haat/src/a.rs:2: function f has 71 lines; allowed: 70"]);
        let eight = "struct S;\nimpl S {\n    fn f(a: A, b: A, c: A, d: A, e: A, f: A, g: A, h: A) {}\n}\n";
        assert_eq!(said(functions, &[("haat/src/a.rs", eight)]), ["haat/src/a.rs:3: function f has 8 arguments; allowed: 7"]);
        let in_tests = format!("#[cfg(test)]\nmod tests {{\n{long}\n}}");
        assert!(said(functions, &[("haat/src/a.rs", &in_tests)]).is_empty());
    }
}
