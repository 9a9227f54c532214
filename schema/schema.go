// Package schema holds the files that describe Kapivara to others: the migrations, roles and grants of its PostgreSQL
// store, the JSON Schemas of its messages, the AsyncAPI document and the test vectors.
package schema

import "embed"

// Migrations are the numbered SQL files, run once each in their order and never changed after a release.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Roles makes the roles of the services and the schema; Grants gives them their rights. Both are safe to run again.
var (
	//go:embed roles.sql
	Roles string
	//go:embed grants.sql
	Grants string
)
