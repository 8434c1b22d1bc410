use std::io::{self, BufRead};

/// A request's first line and headers, with the empty line after them.
pub(crate) struct RequestHead {
    pub(crate) text: String,
}

/// How a request's body is told from what follows it.
pub(crate) enum Body {
    Sized(u64),
    Chunked,
}

impl RequestHead {
    /// Returns `None` at the end of the connection.
    pub(crate) fn read(client: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut text = String::new();
        loop {
            let before = text.len();
            if client.read_line(&mut text)? == 0 {
                return Ok(None);
            }
            if text[before..].trim_end().is_empty() {
                return Ok(Some(Self { text }));
            }
        }
    }

    /// Returns the method and target.
    pub(crate) fn request(&self) -> String {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_end_matches(" HTTP/1.1").to_owned()
    }

    pub(crate) fn body(&self) -> Body {
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.contains("chunked"))
        {
            return Body::Chunked;
        }
        let length = self
            .header("content-length")
            .and_then(|value| value.parse().ok());
        Body::Sized(length.unwrap_or(0))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}
