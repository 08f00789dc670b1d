//! One Rust file, taken apart once for all checks: its syntax tree and its words.
//!
//! Checks of single words look at [`Word`]s and not at the tree, because the tree does not go into macros.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A parsed file.
pub struct Code {
    pub tree: syn::File,
    /// Every word in order; documentation is left out.
    pub words: Vec<Word>,
    test_lines: Vec<RangeInclusive<usize>>,
}

/// An identifier, a single sign, a bracket or a literal.
#[derive(Debug)]
pub struct Word {
    pub line: usize,
    /// As written; the content of a string without quotes and escapes.
    pub text: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Sign,
    Text,
    Other,
}

impl Code {
    pub fn parse(text: &str) -> Result<Code, syn::Error> {
        let tree = syn::parse_file(text)?;
        let mut words = Vec::new();
        flatten(text.parse::<TokenStream>().map_err(syn::Error::from)?, &mut words);
        let mut tests = TestLines(Vec::new());
        tests.visit_file(&tree);
        Ok(Code { tree, words: without_documentation(words), test_lines: tests.0 })
    }

    /// Whether the line belongs to an item that only exists in tests.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// The words outside of tests, each with its index in `words`.
    pub fn production_words(&self) -> impl Iterator<Item = (usize, &Word)> {
        self.words.iter().enumerate().filter(|(_, w)| !self.is_test_line(w.line))
    }

    /// Whether the words from `index` on read as `pattern`.
    pub fn reads(&self, index: usize, pattern: &[&str]) -> bool {
        let words = self.words.get(index..index + pattern.len());
        words.is_some_and(|words| words.iter().zip(pattern).all(|(w, p)| w.kind != Kind::Text && w.text == *p))
    }
}

/// Whether an item is compiled for tests only.
pub fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::Path(path) => path.segments.last().is_some_and(|s| s.ident == "test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        syn::Meta::List(list) => list.path.segments.last().is_some_and(|s| s.ident == "test"),
        syn::Meta::NameValue(_) => false,
    })
}

struct TestLines(Vec<RangeInclusive<usize>>);

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_for_tests(attributes(item)) {
            let span = item.span();
            self.0.push(span.start().line..=span.end().line);
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_for_tests(&item.attrs) {
            let span = item.span();
            self.0.push(span.start().line..=span.end().line);
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Static(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        _ => &[],
    }
}

fn flatten(stream: TokenStream, words: &mut Vec<Word>) {
    for token in stream {
        let line = token.span().start().line;
        match token {
            TokenTree::Ident(name) => words.push(Word { line, text: name.to_string(), kind: Kind::Name }),
            TokenTree::Punct(sign) => words.push(Word { line, text: sign.as_char().to_string(), kind: Kind::Sign }),
            TokenTree::Literal(literal) => words.push(word_of_literal(line, literal)),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let end = group.span_close().start().line;
                words.push(Word { line, text: open.into(), kind: Kind::Sign });
                flatten(group.stream(), words);
                words.push(Word { line: end, text: close.into(), kind: Kind::Sign });
            }
        }
    }
}

fn word_of_literal(line: usize, literal: proc_macro2::Literal) -> Word {
    match syn::Lit::new(literal) {
        syn::Lit::Str(text) => Word { line, text: text.value(), kind: Kind::Text },
        other => Word { line, text: quote_of(&other), kind: Kind::Other },
    }
}

fn quote_of(literal: &syn::Lit) -> String {
    match literal {
        syn::Lit::Int(n) => n.to_string(),
        _ => String::new(),
    }
}

/// Documentation is `#[doc = "…"]` by now.
fn without_documentation(words: Vec<Word>) -> Vec<Word> {
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    for word in words {
        kept.push(word);
        let tail = kept.iter().rev().take(5).map(|w| (w.kind, w.text.as_str())).collect::<Vec<_>>();
        if let [(_, "]"), (Kind::Text, _), (_, "="), (Kind::Name, "doc"), (_, "[")] = tail[..] {
            kept.truncate(kept.len() - 5);
            while kept.last().is_some_and(|w| w.text == "#" || w.text == "!" && kept.len() > 1 && kept[kept.len() - 2].text == "#") {
                kept.pop();
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &Code) -> Vec<&str> {
        code.words.iter().map(|w| w.text.as_str()).collect()
    }

    #[test]
    fn words_inside_macros_are_seen_and_documentation_is_not() {
        let code = Code::parse("//! Header.\n/// Says SELECT.\nfn f() { m!(a, \"b\\n\"); }").expect("parses");
        assert_eq!(texts(&code), ["fn", "f", "(", ")", "{", "m", "!", "(", "a", ",", "b\n", ")", ";", "}"]);
        assert_eq!(code.words[0].line, 3);
        assert!(code.reads(5, &["m", "!"]) && !code.reads(10, &["b\n"]));
    }

    #[test]
    fn lines_of_tests_are_known() {
        let code = Code::parse("fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n#[tokio::test]\nasync fn c() {}\n").expect("parses");
        assert!(!code.is_test_line(1));
        assert!((2..=7).all(|line| code.is_test_line(line)));
        assert_eq!(code.production_words().filter(|(_, w)| w.kind == Kind::Name).count(), 2);
    }
}
