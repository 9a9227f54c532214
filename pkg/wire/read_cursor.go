package wire

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"kapivara/pkg/kapivara"
)

// A cursor is opaque to clients: base64url of a letter that says what it belongs to, and of where to go on.
const (
	cursorEvents     = "e"
	cursorStreams    = "s"
	cursorDeliveries = "d"
)

func appendCursor(dst []byte, kind, text string) []byte {
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, []byte(kind+text))
	return append(dst, '"')
}

func badCursor() error {
	return kapivara.Invalid("cursor", "a cursor is the next of the page before, of the same request; or left out")
}

// cursor takes a cursor apart; ok is false where there is none.
func cursor(kind string, c *string) (text string, ok bool, err error) {
	if c == nil || *c == "" {
		return "", false, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*c)
	if err != nil {
		return "", false, badCursor()
	}
	text, ok = strings.CutPrefix(string(raw), kind)
	if !ok {
		return "", false, badCursor()
	}
	return text, true, nil
}

// positionCursor is a position, 0 where there is no cursor.
func positionCursor(c *string) (int, error) {
	text, ok, err := cursor(cursorEvents, c)
	if !ok {
		return 0, err
	}
	position, err := strconv.Atoi(text)
	if err != nil || position < 1 || position > kapivara.MaxPosition {
		return 0, badCursor()
	}
	return position, nil
}

// streamCursor is a stream, "" where there is no cursor.
func streamCursor(c *string) (kapivara.Stream, error) {
	text, ok, err := cursor(cursorStreams, c)
	if !ok {
		return "", err
	}
	stream, err := kapivara.ParseStream(text)
	if err != nil {
		return "", badCursor()
	}
	return stream, nil
}

func appendMark(dst []byte, m kapivara.DeliveryMark) []byte {
	text := fmt.Sprintf("%s %d %d", m.Bucket, m.Number, m.LogPosition)
	if m.Replay {
		text += " replay"
	}
	return appendCursor(dst, cursorDeliveries, text)
}

// markCursor is the mark of a list of deliveries, its beginning where there is no cursor.
func markCursor(c *string) (kapivara.DeliveryMark, error) {
	text, ok, err := cursor(cursorDeliveries, c)
	if !ok {
		return kapivara.DeliveryMark{}, err
	}
	text, replay := strings.CutSuffix(text, " replay")
	parts := strings.Split(text, " ")
	if len(parts) != 3 {
		return kapivara.DeliveryMark{}, badCursor()
	}
	bucket, err1 := kapivara.ParseBucket("cursor", parts[0])
	number, err2 := strconv.ParseInt(parts[1], 10, 64)
	due, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || number < 0 || due < 0 || (number > 0) == (due > 0) || replay && number > 0 {
		return kapivara.DeliveryMark{}, badCursor()
	}
	return kapivara.DeliveryMark{Bucket: bucket, Number: number, LogPosition: due, Replay: replay}, nil
}
