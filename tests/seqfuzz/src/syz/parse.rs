//! The syntax of a syzkaller program: calls and trees of values.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Number(u64),
    /// What an earlier call has made.
    Result(String),
    /// A value under whose name later calls find what the kernel puts there.
    Named(String, Box<Self>),
    /// Bytes, and how many there are if the text says so.
    Data(Vec<u8>, Option<usize>),
    Struct(Vec<Self>),
    Array(Vec<Self>),
    Union(String, Option<Box<Self>>),
    /// A pointer, and what is there.
    Pointer(Option<Box<Self>>),
    /// Pieces without a type, one after the other.
    Any(Vec<Self>),
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) result: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Vec<Tree>,
    /// How often it is made: the property `rerun`.
    pub(super) times: usize,
}

/// Maximum number of nested values. Programs have four; more would only exhaust the stack.
const DEPTH: usize = 32;
/// Maximum number of repetitions.
const RERUN: usize = 1000;

/// Reads one line; nothing for an empty one or a comment.
pub(super) fn line(text: &str) -> Result<Option<Line>, String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let mut parser = Parser { rest: text };
    let mut name = parser.word();
    let mut result = None;
    parser.blanks();
    if parser.take("=") {
        result = Some(name);
        parser.blanks();
        name = parser.word();
    }
    if name.is_empty() {
        return Err("no call".into());
    }
    parser.need("(")?;
    let arguments = parser.list(")", 0)?;
    let mut times = 1;
    if let Some((_, after)) = parser.rest.split_once("rerun:") {
        let digits: String =
            after.trim_start().chars().take_while(char::is_ascii_hexdigit).collect();
        times = digits.parse::<usize>().unwrap_or(1).clamp(1, RERUN);
    }
    Ok(Some(Line { result, name, arguments, times }))
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            return Ok(());
        }
        let near: String = self.rest.chars().take(20).collect();
        Err(format!("`{token}` is expected before `{near}`"))
    }

    fn word(&mut self) -> String {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn list(&mut self, end: &str, depth: usize) -> Result<Vec<Tree>, String> {
        let mut all = Vec::new();
        loop {
            self.blanks();
            if self.take(end) {
                return Ok(all);
            }
            all.push(self.tree(depth + 1)?);
            self.blanks();
            if !self.take(",") {
                self.need(end)?;
                return Ok(all);
            }
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        let minus = self.take("-");
        let word = self.word();
        let number = match word.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => word.parse().ok(),
        };
        let number = number.ok_or_else(|| format!("`{word}` is no number"))?;
        Ok(if minus { number.wrapping_neg() } else { number })
    }

    fn tree(&mut self, depth: usize) -> Result<Tree, String> {
        if depth > DEPTH {
            return Err("values are nested too deeply".into());
        }
        self.blanks();
        let first = self.rest.chars().next().ok_or("a value is expected")?;
        match first {
            '&' => self.pointer(depth),
            '{' => {
                self.need("{")?;
                Ok(Tree::Struct(self.list("}", depth)?))
            }
            '[' => {
                self.need("[")?;
                Ok(Tree::Array(self.list("]", depth)?))
            }
            '@' => {
                self.need("@")?;
                let name = self.word();
                let value =
                    if self.take("=") { Some(Box::new(self.tree(depth + 1)?)) } else { None };
                Ok(Tree::Union(name, value))
            }
            '<' => {
                self.need("<")?;
                let name = self.word();
                self.need("=>")?;
                Ok(Tree::Named(name, Box::new(self.tree(depth + 1)?)))
            }
            '\'' | '"' => self.data(first),
            '0'..='9' | '-' => Ok(Tree::Number(self.number()?)),
            _ => {
                let word = self.word();
                match word.as_str() {
                    "nil" => Ok(Tree::Pointer(None)),
                    "AUTO" => Ok(Tree::Number(0)),
                    _ if word.starts_with('r') => {
                        // What is added or divided does not matter to descriptors.
                        while self.take("+") || self.take("/") {
                            self.number()?;
                        }
                        Ok(Tree::Result(word))
                    }
                    _ => Err(format!("`{first}` begins no value")),
                }
            }
        }
    }

    fn pointer(&mut self, depth: usize) -> Result<Tree, String> {
        self.need("&")?;
        if !self.take("AUTO") {
            self.need("(")?;
            let end = self.rest.find(')').ok_or("an address has no end")?;
            self.rest = &self.rest[end + 1..];
        }
        if !self.take("=") {
            return Ok(Tree::Pointer(None));
        }
        if self.take("nil") {
            return Ok(Tree::Pointer(None));
        }
        let value = if self.take("ANY=[") {
            Tree::Any(self.list("]", depth)?)
        } else {
            self.tree(depth + 1)?
        };
        Ok(Tree::Pointer(Some(Box::new(value))))
    }

    fn data(&mut self, quote: char) -> Result<Tree, String> {
        self.need(&quote.to_string())?;
        let mut bytes = Vec::new();
        if quote == '"' {
            let end = self.rest.find('"').ok_or("data has no end")?;
            let hex = &self.rest[..end];
            if hex.starts_with('$') {
                return Err("compressed data is not supported".into());
            }
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            let parsed: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
            bytes = parsed.ok_or("data is not hexadecimal")?;
            self.rest = &self.rest[end + 1..];
        } else {
            loop {
                let mut chars = self.rest.chars();
                let c = chars.next().ok_or("a text has no end")?;
                self.rest = chars.as_str();
                match c {
                    '\'' => break,
                    '\\' => bytes.push(self.escape()?),
                    c => bytes.extend(c.to_string().bytes()),
                }
            }
        }
        let mut len = None;
        if self.take("/") {
            len = usize::try_from(self.number()?).ok();
        }
        Ok(Tree::Data(bytes, len))
    }

    fn escape(&mut self) -> Result<u8, String> {
        let mut chars = self.rest.chars();
        let c = chars.next().ok_or("a text has no end")?;
        self.rest = chars.as_str();
        Ok(match c {
            'x' => {
                let hex = self.rest.get(..2).ok_or("an escape has no end")?;
                let byte =
                    u8::from_str_radix(hex, 16).map_err(|_| "an escape is not hexadecimal")?;
                self.rest = &self.rest[2..];
                byte
            }
            'a' => 7,
            'b' => 8,
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            '\\' | '\'' | '"' => c.to_string().as_bytes()[0],
            _ => return Err(format!("no escape is called {c}")),
        })
    }
}
