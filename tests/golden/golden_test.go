// Package golden_test holds the messages of the wire to the byte: each file here is what a service or the SDK writes. A
// file never changes silently: other languages and older clients read the same.
package golden_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kapivara/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is a message, the schema that it fits, and its bytes as our code writes them.
type golden struct {
	name, schema string
	body         []byte
}

func TestMessagesAreWrittenAsEver(t *testing.T) {
	t.Parallel()
	for _, g := range messages(t) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			file := g.name + ".json"
			want := append(bytes.Clone(g.body), '\n')
			if *update {
				if err := os.WriteFile(file, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the file and what is written differ:\nfile:    %swritten: %s", got, want)
			}
		})
	}
}

func TestNoGoldenFileIsLeftOver(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, g := range messages(t) {
		known[g.name+".json"] = true
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".json") && !known[f.Name()] {
			t.Errorf("%s is written by nothing", f.Name())
		}
	}
}

func TestMessagesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	compiler := newCompiler(t)
	for _, g := range messages(t) {
		sch, err := compiler.Compile(schema.SchemaBase + g.schema)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(g.body))
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		if err := sch.Validate(value); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
	}
}

// Every schema compiles, names itself by its file, and is either shown by a golden message or a part of others.
func TestEverySchemaIsUsed(t *testing.T) {
	t.Parallel()
	compiler := newCompiler(t)
	used := map[string]bool{"names.json": true, "event.new.json": true}
	for _, g := range messages(t) {
		used[g.schema] = true
	}
	for name, doc := range schemas(t) {
		if _, err := compiler.Compile(schema.SchemaBase + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if id := doc.(map[string]any)["$id"]; id != schema.SchemaBase+name {
			t.Errorf("%s: its $id is %v", name, id)
		}
		if !used[name] {
			t.Errorf("%s: no golden message shows it", name)
		}
	}
}

// The AsyncAPI document names schemas that are there, and all that are messages.
func TestAsyncAPINamesTheSchemas(t *testing.T) {
	t.Parallel()
	var doc struct {
		AsyncAPI   string `json:"asyncapi"`
		Components struct {
			Messages map[string]struct {
				Payload struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"payload"`
			} `json:"messages"`
		} `json:"components"`
	}
	if err := json.Unmarshal(schema.AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.AsyncAPI != "3.0.0" {
		t.Errorf("asyncapi: got %q, want 3.0.0", doc.AsyncAPI)
	}
	there := schemas(t)
	named := map[string]bool{"names.json": true, "event.new.json": true, "committed.json": true}
	for name, m := range doc.Components.Messages {
		file := path.Base(m.Payload.Schema.Ref)
		if _, ok := there[file]; !ok && name != "answer" {
			t.Errorf("message %s: there is no schema %q", name, m.Payload.Schema.Ref)
		}
		named[file] = true
	}
	for name := range there {
		if !named[name] {
			t.Errorf("%s is in no message", name)
		}
	}
}

func schemas(t *testing.T) map[string]any {
	t.Helper()
	files, err := schema.JSON.ReadDir("json")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]any{}
	for _, f := range files {
		text, err := schema.JSON.ReadFile("json/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		docs[f.Name()] = doc
	}
	return docs
}

func newCompiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, doc := range schemas(t) {
		if err := c.AddResource(schema.SchemaBase+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
