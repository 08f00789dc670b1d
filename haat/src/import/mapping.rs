//! `--map field=source.path`: where a foreign file has what haat calls otherwise.

use std::str::FromStr;

use serde_json::{Map, Value as Json};

/// One `--map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As haat calls it; `attr.*` for all that the source's `*` stands for.
    pub field: String,
    /// As the file calls it: a column, or a path of members with dots between.
    pub source: String,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let wanted = || format!("expected field=source.path, such as brand=maker.name, found {text:?}");
        let (field, source) = text.split_once('=').ok_or_else(wanted)?;
        let (field, source) = (field.trim(), source.trim());
        if field.is_empty() || source.is_empty() {
            return Err(wanted());
        }
        if field.ends_with(".*") != source.ends_with('*') {
            return Err(format!("a * stands on both sides, such as attr.*=attr_t_*, found {text:?}"));
        }
        Ok(Rule { field: field.to_owned(), source: source.to_owned() })
    }
}

/// A line under haat's names: first what the rules say, in their order, where the source has anything; then what has one of
/// the `known` names itself and was not named by a rule. Without rules the line stays as it is.
pub fn apply(rules: &[Rule], line: Map<String, Json>, known: impl Fn(&str) -> bool) -> Map<String, Json> {
    if rules.is_empty() {
        return line;
    }
    let mut out = Map::new();
    for rule in rules {
        rule.take(&line, &mut out);
    }
    for (name, value) in line {
        if known(&name) && !out.contains_key(&name) && !rules.iter().any(|r| r.reads(&name)) {
            out.insert(name, value);
        }
    }
    out
}

impl Rule {
    /// Whether it reads the file's own member or column `name`.
    pub fn reads(&self, name: &str) -> bool {
        let first = self.source.split('.').next().unwrap_or_default();
        match first.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == first || name == self.source,
        }
    }

    fn take(&self, line: &Map<String, Json>, out: &mut Map<String, Json>) {
        let Some((field, start)) = self.field.strip_suffix('*').zip(self.source.strip_suffix('*')) else {
            let value = line.get(&self.source).or_else(|| find(line, &self.source));
            if let Some(value) = value.filter(|v| says_something(v)) {
                out.entry(&self.field).or_insert_with(|| value.clone());
            }
            return;
        };
        let (holder, start) = match start.rsplit_once('.') {
            Some((path, start)) => (find(line, path).and_then(Json::as_object), start),
            None => (Some(line), start),
        };
        for (name, value) in holder.into_iter().flatten().filter(|(_, v)| says_something(v)) {
            if let Some(rest) = name.strip_prefix(start).filter(|rest| !rest.is_empty()) {
                out.entry(format!("{field}{rest}")).or_insert_with(|| value.clone());
            }
        }
    }
}

/// What a foreign column is called here: as a rule says; otherwise its own name.
pub fn column_name(rules: &[Rule], name: &str) -> String {
    let field = |rule: &Rule| match (rule.source.strip_suffix('*'), rule.field.strip_suffix('*')) {
        (Some(start), Some(field)) => name.strip_prefix(start).map(|rest| format!("{field}{rest}")),
        _ => (rule.source == name).then(|| rule.field.clone()),
    };
    rules.iter().find_map(field).unwrap_or_else(|| name.to_owned())
}

/// What stands at a path; a number names a place in a list.
fn find<'a>(line: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    let mut parts = path.split('.');
    let first = line.get(parts.next()?)?;
    parts.try_fold(first, |value, part| match value {
        Json::Object(members) => members.get(part),
        Json::Array(list) => list.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

fn says_something(value: &Json) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(rules: &[&str], line: Json) -> Json {
        let rules: Vec<Rule> = rules.iter().map(|r| r.parse().unwrap()).collect();
        Json::Object(apply(&rules, line.as_object().unwrap().clone(), |name| ["title", "price"].contains(&name)))
    }

    #[test]
    fn a_rule_names_a_member_a_path_or_many() {
        let line = json!({"name": "Lamp", "maker": {"names": ["A", "B"]}, "x_red": 1, "x_": 2, "y": {"z_a": true, "z_b": null}});
        let rules = ["title=name", "brand=maker.names.1", "attr.*=x_*", "attr.*=y.z_*", "kind=none.0.such"];
        assert_eq!(mapped(&rules, line), json!({"title": "Lamp", "brand": "B", "attr.red": 1, "attr.a": true}));
    }

    #[test]
    fn the_first_rule_that_finds_something_counts_and_own_names_stand_where_no_rule_took_them() {
        let line = json!({"short": " ", "long": "Long", "title": "T", "price": 1250, "other": 1});
        let rules = ["description=short", "description=long", "priceMinor=price"];
        assert_eq!(mapped(&rules, line.clone()), json!({"description": "Long", "priceMinor": 1250, "title": "T"}));
        assert_eq!(mapped(&[], line.clone()), line);
    }

    #[test]
    fn a_rule_that_says_nothing_is_refused() {
        for text in ["title", "=name", "title=", "attr.*=x", "title=x*"] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
