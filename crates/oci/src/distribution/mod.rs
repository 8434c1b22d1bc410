//! The distribution protocol without sockets: what to ask a registry, and what its answers mean.
//!
//! Each module is one rule of the [distribution specification] as values in and values out: no request is sent here, no
//! clock read and no random number drawn. The client sends what these decide and hands the answers back; the server
//! parses with the same types what the client rendered with them.
//!
//! [distribution specification]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md

mod auth_flow;
mod blob_upload;
mod byte_range;
mod challenge;
mod endpoint;
mod error_response;
mod host_knowledge;
mod location;
mod pagination;
mod percent;
mod rate_limit;
mod realm;
mod referrers_tag;
mod retry;
mod scope;
mod token;
mod warning;

pub use crate::deceptive::{MAX_MESSAGE, without_control_characters};
pub use auth_flow::{AuthFailure, AuthFlow, AuthStep, Authorization, Credential, TokenRequest};
pub use blob_upload::{
    BlobUpload, MAX_SINGLE_POST, UploadAnswer, UploadError, UploadProgress, UploadStep,
};
pub use byte_range::{acknowledged_bytes, chunk_range, download_range, served_from};
pub use challenge::{BearerChallenge, Challenge, parse_challenges};
pub use endpoint::{Endpoint, EndpointError, Page, SessionId, UploadStart};
pub use error_response::{ErrorCode, ErrorDetail, ErrorResponse, MAX_ERROR_SIZE};
pub use host_knowledge::HostKnowledge;
pub use location::{LocationError, is_downgrade, resolve_location, same_origin, with_digest};
pub use pagination::{Pages, PaginationError, next_link};
pub use rate_limit::RateLimit;
pub use realm::{RealmRefusal, SentTo, may_send_credentials};
pub use referrers_tag::fallback_tag;
pub use retry::{Failure, RetryPolicy};
pub use scope::{Scope, ScopeSet};
pub use token::{MAX_TOKEN_SIZE, TokenAnswer, TokenError};
pub use warning::{MAX_WARNING_SIZE, parse_warnings};
