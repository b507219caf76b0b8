//! ECS documents.
