//! Whether a template can be filled in at all: every name in it is looked up before it is used for the first time, in
//! whichever branch it stands.

use std::panic::{AssertUnwindSafe, catch_unwind};

use handlebars::Path;
use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};

use super::kind::ITEMS;
use super::{Kind, Source};

/// What is wrong with a part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// title, body or html.
    pub part: &'static str,
    /// What, and what is allowed.
    pub detail: String,
}

/// The longest parts, in characters.
const LENGTHS_MAX: [(&str, usize); 3] = [("title", 200), ("body", 20_000), ("html", 50_000)];
/// Helpers that begin a block, and those within brackets.
const BLOCKS: [&str; 3] = ["if", "unless", "each"];
const COMPARISONS: [&str; 5] = ["eq", "ne", "and", "or", "not"];
/// What can be named of a place in a list.
const PLACES: [&str; 3] = ["index", "first", "last"];

/// Everything that is wrong with a template for messages of `kind`.
pub(crate) fn check(kind: Kind, source: &Source) -> Vec<Mistake> {
    let parts = [Some(&source.title), Some(&source.body), source.html.as_ref()];
    let mut mistakes = Vec::new();
    for ((part, longest), text) in LENGTHS_MAX.into_iter().zip(parts) {
        let Some(text) = text else { continue };
        let details = match text.chars().count() {
            n if n > longest => vec![format!("expected at most {longest} characters, found {n}")],
            _ if text.trim().is_empty() => vec!["expected a text, found nothing".to_owned()],
            _ => names(kind, text),
        };
        mistakes.extend(details.into_iter().map(|detail| Mistake { part, detail }));
    }
    mistakes
}

fn names(kind: Kind, text: &str) -> Vec<String> {
    // The parser of Handlebars has assertions of its own; what it stumbles over is no template.
    let parsed = catch_unwind(AssertUnwindSafe(|| Template::compile(text)));
    match parsed {
        Ok(Ok(template)) => {
            let mut walk = Walk { kind, wrong: Vec::new() };
            walk.template(&template, Scope::Message);
            walk.wrong
        }
        Ok(Err(e)) => vec![format!("not a Handlebars template: {e}")],
        Err(_) => vec!["not a Handlebars template".to_owned()],
    }
}

/// What names mean where one stands.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// Fields of the message.
    Message,
    /// Fields of one of its items.
    Item,
}

struct Walk {
    kind: Kind,
    wrong: Vec<String>,
}

impl Walk {
    fn template(&mut self, template: &Template, scope: Scope) {
        for element in &template.elements {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(e) | TemplateElement::HtmlExpression(e) => self.expression(e, scope),
                TemplateElement::HelperBlock(block) => self.block(block, scope),
                _ => self.wrong.push("partials and decorators are not known here".into()),
            }
        }
    }

    /// `{{name}}`, or `{{eq a b}}`.
    fn expression(&mut self, e: &HelperTemplate, scope: Scope) {
        if e.params.is_empty() && e.hash.is_empty() {
            self.parameter(&e.name, scope);
        } else {
            self.helper(e, &COMPARISONS, scope);
        }
    }

    fn block(&mut self, block: &HelperTemplate, scope: Scope) {
        self.helper(block, &BLOCKS, scope);
        if block.block_param.is_some() {
            self.wrong.push("`as |…|` is not known here".into());
        }
        let each = block.name.as_name() == Some("each");
        let list = block.params.first().and_then(Parameter::as_name);
        if each && (list != Some(ITEMS.0) || scope == Scope::Item) {
            self.wrong.push(format!("each goes over {}, not over {}", ITEMS.0, list.unwrap_or("this")));
        }
        if !each && block.params.len() != 1 {
            self.wrong.push("a condition has one value; compare with (eq a b)".into());
        }
        let inner = if each { Scope::Item } else { scope };
        block.template.iter().for_each(|t| self.template(t, inner));
        block.inverse.iter().for_each(|t| self.template(t, scope));
    }

    fn helper(&mut self, e: &HelperTemplate, known: &[&str], scope: Scope) {
        let name = e.name.as_name().unwrap_or("?");
        if !known.contains(&name) {
            self.wrong.push(format!("unknown helper {name}; known here: {}", known.join(", ")));
        }
        e.params.iter().chain(e.hash.values()).for_each(|p| self.parameter(p, scope));
    }

    fn parameter(&mut self, parameter: &Parameter, scope: Scope) {
        match parameter {
            Parameter::Literal(_) => {}
            Parameter::Name(name) => self.field(name, scope),
            Parameter::Path(Path::Relative((_, raw))) => self.field(raw, scope),
            Parameter::Path(Path::Local((_, name, raw))) => {
                if scope != Scope::Item || !PLACES.contains(&name.as_str()) {
                    self.wrong.push(format!("unknown field {raw}"));
                }
            }
            Parameter::Subexpression(inner) => match inner.element.as_ref() {
                TemplateElement::Expression(e) | TemplateElement::HtmlExpression(e) => self.helper(e, &COMPARISONS, scope),
                _ => self.wrong.push("only comparisons stand in brackets".into()),
            },
            _ => self.wrong.push("only fields, texts and numbers are known here".into()),
        }
    }

    fn field(&mut self, raw: &str, scope: Scope) {
        let (name, scope) = match raw.strip_prefix("../") {
            Some(outer) if scope == Scope::Item => (outer, Scope::Message),
            _ => (raw, scope),
        };
        let name = name.strip_prefix("this.").unwrap_or(name);
        let known: Vec<&str> = match scope {
            Scope::Message => self.kind.fields().collect(),
            Scope::Item => ITEMS.1.to_vec(),
        };
        if !known.contains(&name) {
            self.wrong.push(format!("unknown field {raw}; known here: {}", known.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Locale, Medium, fill, sample};
    use super::*;

    fn of(text: &str) -> Source {
        Source { title: "T".into(), body: text.into(), html: Some(text.into()) }
    }

    #[test]
    fn names_are_looked_up_in_every_branch() {
        let fine = [
            "plain",
            "{{name}} {{{name}}} {{this.name}}",
            "{{#if (eq reason \"x\")}}a{{else if (not reason)}}b{{else}}{{total}}{{/if}}",
            "{{#each items}}{{@index}} {{title}} {{this.total}} {{../name}}{{#if quantity}}x{{/if}}{{else}}nothing{{/each}}",
            "{{#unless items}}{{orderNumber}}{{/unless}}{{! a comment }}",
            "\\{{escaped}}",
        ];
        for text in fine {
            assert_eq!(check(Kind::OrderFailed, &of(text)), [], "{text}");
        }
        let wrong = [
            ("{{nam}}", "unknown field nam; known here: name, shopUrl, orderNumber"),
            ("{{#if name}}{{nam}}{{/if}}", "unknown field nam"),
            ("{{#if name}}a{{else}}{{nam}}{{/if}}", "unknown field nam"),
            ("{{#if (eq nam \"x\")}}a{{/if}}", "unknown field nam"),
            ("{{#each items}}{{name}}{{/each}}", "unknown field name; known here: quantity, title, total"),
            ("{{#each items}}{{../title}}{{/each}}", "unknown field ../title"),
            ("{{#each name}}a{{/each}}", "each goes over items"),
            ("{{#each items}}{{#each items}}a{{/each}}{{/each}}", "unknown field items"),
            ("{{items.0.title}}", "unknown field items.0.title"),
            ("{{../name}}", "unknown field ../name"),
            ("{{@root.name}}", "unknown field @root.name"),
            ("{{lookup items 0}}", "unknown helper lookup"),
            ("{{#with items}}a{{/with}}", "unknown helper with"),
            ("{{> other}}", "partials"),
            ("{{#if name}}", "not a Handlebars template"),
            ("{{name", "not a Handlebars template"),
            ("{{#if}}a{{/if}}", "one value"),
            ("{{carrier}}", "unknown field carrier"),
            (" \n ", "expected a text"),
        ];
        for (text, expected) in wrong {
            let found = check(Kind::OrderFailed, &of(text));
            assert!(found.iter().any(|m| m.part == "body" && m.detail.contains(expected)), "{text}: {found:?}");
            assert!(found.iter().any(|m| m.part == "html"), "{text}");
        }
        let long = Source { title: "x".repeat(201), body: "b".into(), html: None };
        assert_eq!(check(Kind::OrderFailed, &long)[0].part, "title");
    }

    proptest! {
        #[test]
        fn what_passes_can_be_filled_in_and_nothing_panics(words in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{{{", "}}}", "{{#if ", "{{#each ", "{{else}}", "{{else if ", "{{/if}}", "{{/each}}", "{{#unless ", "{{/unless}}",
            "name", "items", "total", "title", "../", "this.", "(eq ", ")", "\"a\"", "1", " ", "\n", "@index", "~", "{{!--", "--}}", "\\", "x", "as |a|", "=", "[", "]", ".",
        ]), 0..14)) {
            let source = of(&format!("-{}", words.concat()));
            if check(Kind::OrderFailed, &source).is_empty() {
                for fields in [sample(Kind::OrderFailed, Locale::English, "u"), json!({"name": "", "shopUrl": "", "orderNumber": "", "orderUrl": "", "total": "", "items": [], "reason": ""})] {
                    let filled = fill(&source, Medium::Email, Locale::English, &fields);
                    prop_assert!(filled.is_ok(), "{}: {:?}", source.body, filled);
                }
            }
        }
    }
}
