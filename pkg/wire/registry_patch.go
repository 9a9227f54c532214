package wire

import (
	"encoding/json"
	"time"

	"kapivara/pkg/kapivara"
)

// patchField reads a member of a merge patch: not there changes nothing, null resets.
func patchField[T any](field **T, raw json.RawMessage, name string, reset T) error {
	return patchParsed(field, raw, name, reset, func(raw json.RawMessage, name string) (T, error) {
		return decodeField[T](raw, name)
	})
}

func patchParsed[T any](field **T, raw json.RawMessage, name string, reset T, parse func(json.RawMessage, string) (T, error)) error {
	if raw == nil {
		return nil
	}
	if isNull(raw) {
		*field = &reset
		return nil
	}
	value, err := parse(raw, name)
	*field = &value
	return err
}

// decodeField reads a value strictly; the path of its refusals begins with the field's name.
func decodeField[T any](raw json.RawMessage, name string) (T, error) {
	member := map[string]T{}
	wrapped := append(appendString([]byte{'{'}, name), ':')
	wrapped = append(append(wrapped, raw...), '}')
	if err := DecodeStrict(wrapped, &member); err != nil {
		var none T
		return none, kapivara.Invalid(name, "%s does not fit: use the form of its default", name)
	}
	return member[name], nil
}

func parseStart(raw json.RawMessage, name string) (kapivara.Start, error) {
	if after, ok := integer(raw); ok && after >= 0 {
		return kapivara.Start{After: after}, nil
	}
	switch word, _ := decodeField[string](raw, name); word {
	case "new":
		return kapivara.Start{New: true}, nil
	case "beginning":
		return kapivara.Start{}, nil
	}
	return kapivara.Start{}, kapivara.Invalid(name, `start is "new", "beginning" or a log position as a number`)
}

func parseDuration(raw json.RawMessage, name string) (time.Duration, error) {
	text, err := decodeField[string](raw, name)
	if err != nil {
		return 0, err
	}
	return kapivara.ParseDuration(name, text)
}

func parseDurations(raw json.RawMessage, name string) ([]time.Duration, error) {
	texts, err := decodeField[[]string](raw, name)
	if err != nil {
		return nil, err
	}
	durations := make([]time.Duration, len(texts))
	for i, text := range texts {
		if durations[i], err = kapivara.ParseDuration(name, text); err != nil {
			return nil, err
		}
	}
	return durations, nil
}
