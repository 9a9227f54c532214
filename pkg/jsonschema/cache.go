package jsonschema

import (
	"bytes"
	"fmt"
	"sync"

	"kapivara/pkg/kapivara"
)

// Cache keeps the validators of event types by their kind. It may be used by several goroutines at once.
type Cache struct {
	mu     sync.Mutex
	byKind map[int32]entry
}

// entry is a compiled schema, or the fault for which it could not be compiled.
type entry struct {
	schema    []byte
	validator *Validator
	err       error
}

// NewCache makes an empty one.
func NewCache() *Cache { return &Cache{byKind: map[int32]entry{}} }

// Check holds an event's data to the schema of its type: nil where the type has none or the data fits, else a
// schema_violation whose path begins with data, or data_base64. Without data, and with bytes, nothing fits a schema.
func (c *Cache) Check(t *kapivara.EventType, data kapivara.DataKind, value []byte) error {
	if t == nil || len(t.Schema) == 0 {
		return nil
	}
	switch data {
	case kapivara.JSONData:
	case kapivara.NoData:
		return violation(nil, "the event has none, and the type has a schema")
	case kapivara.BinaryData:
		return &kapivara.Error{
			Code: kapivara.SchemaViolation, Message: "the event type has a schema, so its data is sent as JSON in data",
			Facts: kapivara.Facts{Path: "data_base64"},
		}
	}
	v, err := c.validator(t)
	if err != nil {
		return err
	}
	return v.Validate(value)
}

func (c *Cache) validator(t *kapivara.EventType) (*Validator, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKind[t.Kind]; ok && sameBytes(e.schema, t.Schema) {
		return e.validator, e.err
	}
	v, err := Compile(t.Schema)
	if err != nil { // it was compiled when it was set: nothing that the publisher could mend
		err = fmt.Errorf("the schema of event type %q no longer compiles: %s", t.Type, err.Error())
	}
	c.byKind[t.Kind] = entry{schema: t.Schema, validator: v, err: err}
	return v, err
}

// sameBytes compares, at once where both are the same slice.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || bytes.Equal(a, b))
}
