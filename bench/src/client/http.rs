//! As much of HTTP/1.1 as it takes to pass requests on one by one.

use std::io::{self, BufRead, Read as _, Write};

/// How large the head of a request may be, in bytes.
const HEAD_LIMIT: u64 = 64 * 1024;

/// A request's first line and headers, with the empty line after them.
pub(super) struct Head {
    text: String,
}

impl Head {
    /// Reads the head of the next request; `None` at the end of the connection.
    pub(super) fn read(client: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut client = client.take(HEAD_LIMIT);
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

    /// Returns the head as it was received.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the method and the target.
    pub(super) fn request(&self) -> &str {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_end_matches(" HTTP/1.1")
    }

    /// Passes the body on that follows this head.
    pub(super) fn forward_body(
        &self,
        client: &mut impl BufRead,
        server: &mut impl Write,
    ) -> io::Result<()> {
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.contains("chunked"))
        {
            return forward_chunks(client, server);
        }
        let length = self
            .header("content-length")
            .and_then(|value| value.parse().ok());
        io::copy(&mut client.take(length.unwrap_or(0)), server)?;
        Ok(())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn forward_chunks(client: &mut impl BufRead, server: &mut impl Write) -> io::Result<()> {
    loop {
        let mut line = String::new();
        client.take(HEAD_LIMIT).read_line(&mut line)?;
        server.write_all(line.as_bytes())?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        // The line end after the data; after the last chunk it ends the trailers, which none of the clients sends.
        io::copy(&mut client.take(size + 2), server)?;
        if size == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    /// Returns the requests of a connection, and what was passed on of it.
    fn forward(mut connection: &[u8]) -> (Vec<String>, Vec<u8>) {
        let (mut requests, mut passed) = (Vec::new(), Vec::new());
        while let Some(head) = Head::read(&mut connection).unwrap() {
            requests.push(head.request().to_owned());
            passed.extend_from_slice(head.as_bytes());
            head.forward_body(&mut connection, &mut passed).unwrap();
        }
        (requests, passed)
    }

    #[test]
    fn bodies_end_where_they_say() {
        let connection = b"PUT /sized HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd\
            PATCH /chunked HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
            GET /none HTTP/1.1\r\n\r\n";
        let (requests, passed) = forward(connection);
        assert_eq!(requests, ["PUT /sized", "PATCH /chunked", "GET /none"]);
        assert_eq!(passed, connection);
    }
}
