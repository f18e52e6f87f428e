//! Routes and handlers: each parses a request, calls a service and writes the response.

pub(crate) mod admin;
pub(crate) mod api;
pub(crate) mod body_limit;
pub(crate) mod health;
pub(crate) mod own_name;
pub(crate) mod rate_limit_headers;
pub(crate) mod state;
pub(crate) mod unavailable;
pub(crate) mod web;
