-- +goose Up
-- Which running recorder has written for a user last, and may go on with what it knows of the user; 0: none.
ALTER TABLE users ADD COLUMN last_writer INTEGER NOT NULL DEFAULT 0;
