package overnats_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/wire"
)

// request is an append of raw events to a stream, as it goes over the wire.
func request(stream string, events ...string) string {
	return `{"stream":"shop/web/order/` + stream + `","events":[` + strings.Join(events, ",") + `]}`
}

// attributed is an event whose attributes take so many bytes: names and values, as the limit counts them.
func attributed(id string, size int) string {
	rest := size - len("id"+id+"type"+"subject") - 3*len(`""`) - 1
	return fmt.Sprintf(`{"id":%q,"type":"t","subject":"%s"}`, id, strings.Repeat("s", rest))
}

func TestEachLimitIsASettingAndRefusesWithItsFacts(t *testing.T) {
	t.Parallel()
	limits := wire.Limits{Request: 2000, Data: 100, Attributes: 200, Events: 3, Depth: 6}
	b := start(t, func(c *app.Config) { c.Limits = limits })
	data := func(id, value string) string { return fmt.Sprintf(`{"id":%q,"type":"t","data":%s}`, id, value) }
	text := func(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }
	binary := func(id string, size int) string {
		return fmt.Sprintf(`{"id":%q,"type":"t","data_base64":%q}`, id, base64.StdEncoding.EncodeToString(make([]byte, size)))
	}
	many := func(n int, id string) string {
		var events []string
		for i := range n {
			events = append(events, data(fmt.Sprint(id, i), "1"))
		}
		return request("many", events...)
	}
	padded := func(id string, size int) string {
		body := request("padded", data(id, "1"))
		return body + strings.Repeat(" ", size-len(body))
	}
	stored := 0
	for _, c := range []struct {
		what                  string
		fits, over            string
		limit, size, accepted int
	}{
		{"request", padded("r", 2000), padded("ro", 2001), 2000, 2001, 1},
		{"data", request("data", data("d", text(100))), request("data", data("do", text(101))), 100, 101, 1},
		{"bytes", request("data", binary("b", 100)), request("data", binary("bo", 101)), 100, 101, 1},
		{"attributes", request("attributes", attributed("a", 200)), request("attributes", attributed("ao", 201)), 200, 201, 1},
		{"events", many(3, "e"), many(4, "eo"), 3, 4, 3},
		{"depth", request("depth", data("n", "[[[]]]")), request("depth", data("no", "[[[[]]]]")), 6, 7, 1},
	} {
		if _, err := b.Request(t.Context(), "kapivara.v1.append.clerk", []byte(c.fits)); err != nil {
			t.Errorf("%s at its limit: %v", c.what, err)
		} else {
			stored += c.accepted
		}
		_, err := b.Request(t.Context(), "kapivara.v1.append.clerk", []byte(c.over))
		var refusal *client.Error
		if !errors.As(err, &refusal) || refusal.Code != client.TooLarge || refusal.Facts.Limit == nil || refusal.Facts.Size == nil {
			t.Errorf("%s over its limit: got %v, want too_large with limit and size", c.what, err)
			continue
		}
		if *refusal.Facts.Limit != c.limit || *refusal.Facts.Size != c.size || refusal.Message == "" {
			t.Errorf("%s: limit %d, size %d (%s); want %d, %d", c.what, *refusal.Facts.Limit, *refusal.Facts.Size, refusal.Message, c.limit, c.size)
		}
	}
	page, err := b.Log(t.Context(), client.LogQuery{})
	if err != nil || page.Head != int64(stored) {
		t.Errorf("the log's head is %d, %v; want the %d events that were accepted", page.Head, err, stored)
	}
	info, err := b.Request(t.Context(), "$SRV.INFO.kapivara-writer", nil)
	for _, shown := range []string{
		`"max_request":"2000"`, `"max_data":"100"`, `"max_attributes":"200"`, `"max_events":"3"`, `"max_depth":"6"`,
	} {
		if err != nil || !strings.Contains(string(info), shown) {
			t.Errorf("service discovery does not show %s: %s, %v", shown, info, err)
		}
	}
}
