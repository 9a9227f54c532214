package kapivara

import (
	"bytes"
	"encoding/json"
)

// mergeObject applies a JSON merge patch (RFC 7386) to a JSON object, nil for none. It returns nil where nothing is left.
func mergeObject(object, patch []byte) ([]byte, error) {
	var change any
	if err := decodeNumbers(patch, &change); err != nil {
		return nil, Invalid("metadata", "metadata is a JSON object")
	}
	members, ok := change.(map[string]any)
	if !ok && change != nil {
		return nil, Invalid("metadata", "metadata is a JSON object")
	}
	var old any
	if len(object) > 0 && change != nil {
		if err := decodeNumbers(object, &old); err != nil {
			return nil, Invalid("metadata", "metadata is a JSON object")
		}
	}
	merged := mergePatch(old, members)
	if len(merged) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(merged); err != nil {
		return nil, Invalid("metadata", "metadata is a JSON object")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeNumbers(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return dec.Decode(into)
}

func mergePatch(target any, patch map[string]any) map[string]any {
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(merged, name)
		case map[string]any:
			merged[name] = mergePatch(merged[name], value)
		default:
			merged[name] = value
		}
	}
	return merged
}
