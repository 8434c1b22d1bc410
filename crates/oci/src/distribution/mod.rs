//! The distribution protocol without sockets.
