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

// JSON are the JSON Schemas of the messages, draft 2020-12, as json/<name>.json. They refer to one another by their file
// names; SchemaBase before a file's name is its $id. AsyncAPI is the document that joins them with the subjects.
var (
	//go:embed json/*.json
	JSON embed.FS
	//go:embed asyncapi.json
	AsyncAPI []byte
)

// SchemaBase begins the $id of every JSON Schema.
const SchemaBase = "kapivara://v1/"

// Vectors are test vectors for other languages: vectors/bucket.json, answers.json and names.json.
//
//go:embed vectors/*.json
var Vectors embed.FS
