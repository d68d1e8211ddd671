//! Items, imports and paths of a module, from the tokens of its file.

use std::collections::BTreeMap;

use super::{Module, Name};

/// Reads the tokens of one file into its modules.
pub(crate) struct Reader<'a> {
    pub(crate) tokens: &'a [String],
    pub(crate) at: usize,
    pub(crate) modules: &'a mut BTreeMap<Name, Module>,
    pub(crate) file: &'a Name,
}

impl Reader<'_> {
    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn before(&self, back: usize) -> &str {
        self.at.checked_sub(back).map_or("", |at| &self.tokens[at])
    }

    /// Reads up to the brace that ends the module, or to the end of the file.
    pub(crate) fn module(&mut self, name: &Name) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.token(0) {
                "{" => depth += 1,
                "}" if depth == 0 => return,
                "}" => depth -= 1,
                "mod" if self.token(2) == "{" => {
                    self.module_in_braces(name);
                }
                "use" => {
                    self.at += 1;
                    self.tree(name, &Name::new());
                }
                "struct" | "enum" | "union" | "trait" | "fn" | "const" | "static" | "type" => {
                    let item = self.token(if self.token(1) == "mut" { 2 } else { 1 }).to_owned();
                    self.here(name).items.insert(item);
                }
                "macro_rules" if self.token(1) == "!" => {
                    let item = self.token(2).to_owned();
                    self.here(name).items.insert(item);
                }
                token if is_word(token) && self.token(1) == "::" => {
                    let visibility = self.before(1) == "in" && self.before(2) == "(";
                    let path = self.path();
                    if !visibility {
                        self.here(name).paths.push(path);
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn here(&mut self, name: &Name) -> &mut Module {
        self.modules.get_mut(name).expect("a module that is being read")
    }

    /// Reads a module in braces, from `mod` to its last brace. One for tests is left out.
    fn module_in_braces(&mut self, name: &Name) {
        let tests =
            (1..8).any(|back| self.before(back) == "cfg" && self.before(back - 2) == "test");
        let child = [&name[..], &[self.token(1).to_owned()]].concat();
        self.modules.insert(child.clone(), Module { file: self.file.clone(), ..Module::default() });
        self.at += 3;
        self.module(&child);
        if tests {
            self.modules.remove(&child);
        }
    }

    /// Reads a path of at least two words.
    fn path(&mut self) -> Name {
        let local = matches!(self.before(1), "::" | ".");
        let mut path = vec![self.token(0).to_owned()];
        self.at += 1;
        while self.token(0) == "::" && is_word(self.token(1)) {
            path.push(self.token(1).to_owned());
            self.at += 2;
        }
        if local { vec![String::new()] } else { path }
    }

    /// Reads the tree of an import, after `prefix`, up to the token behind it.
    fn tree(&mut self, name: &Name, prefix: &Name) {
        let mut path = prefix.clone();
        loop {
            match self.token(0) {
                "::" => {}
                "*" => {
                    self.here(name).globs.push(path);
                    self.at += 1;
                    return;
                }
                "{" => {
                    self.at += 1;
                    while !matches!(self.token(0), "}" | "") {
                        self.tree(name, &path);
                        if self.token(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                word if is_word(word) && word != "as" => {
                    if word != "self" || path.is_empty() {
                        path.push(word.to_owned());
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        let mut local = path.last().cloned().unwrap_or_default();
        if self.token(0) == "as" {
            self.token(1).clone_into(&mut local);
            // Imports for their methods alone have no name.
            if local == "_" {
                local = path.join("::");
            }
            self.at += 2;
        }
        if !path.is_empty() {
            // Two functions may import different items by one name, so each import counts by itself.
            self.here(name).paths.push(path.clone());
            self.here(name).imports.insert(local, path);
        }
    }
}

pub(crate) fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}
