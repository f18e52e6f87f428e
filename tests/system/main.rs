//! The whole system: SDK and host together, over real HTTP with real tokens.

mod add_on;
mod bad_input;
mod browser_install;
mod conditions;
mod corpus;
mod descriptor_schema;
mod hooks;
mod install;
mod log;
mod notifications;
mod pages;
mod push;
mod rate_limit;
mod rest;
mod rest_access;
mod rest_extensions;
mod rest_rooms;
mod rest_tokens;
mod restart;
mod runtime_glances;
mod tokens;
mod traces;
mod update;
mod webhooks;
