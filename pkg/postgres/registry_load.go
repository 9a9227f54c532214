package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

//go:embed sql/registry_load.sql
var registryLoadSQL string

// Querier is a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// LoadRegistry reads the registry of one version, on the pool or in a transaction. open tells whether it takes unknown
// publishers and event types in at first use.
func LoadRegistry(ctx context.Context, q Querier, open bool) (*kapivara.Registry, error) {
	rows, err := q.Query(ctx, registryLoadSQL)
	if err != nil {
		return nil, fmt.Errorf("load registry: %w", translate(err, false))
	}
	defer rows.Close()
	r := &kapivara.Registry{
		Open: open, Publishers: map[string]*kapivara.Publisher{}, Types: map[string]*kapivara.EventType{},
	}
	for rows.Next() {
		var what string
		var record []byte
		if err := rows.Scan(&what, &record); err != nil {
			return nil, fmt.Errorf("load registry: %w", err)
		}
		if err := registryAdd(r, what, record); err != nil {
			return nil, fmt.Errorf("load registry: %s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("load registry: %w", translate(err, false))
	}
	slices.SortFunc(r.Subscribers, func(a, b *kapivara.Subscriber) int { return int(a.No - b.No) })
	return r, nil
}

func registryAdd(r *kapivara.Registry, what string, record []byte) error {
	switch what {
	case "version":
		return json.Unmarshal(record, &r.Version)
	case "publisher":
		var row registryPublisherRow
		if err := json.Unmarshal(record, &row); err != nil {
			return err
		}
		r.Publishers[row.Name] = row.publisher()
	case "type":
		var row registryTypeRow
		if err := json.Unmarshal(record, &row); err != nil {
			return err
		}
		r.Types[row.Type] = row.eventType()
	case "subscriber":
		var row registrySubscriberRow
		if err := json.Unmarshal(record, &row); err != nil {
			return err
		}
		r.Subscribers = append(r.Subscribers, row.subscriber())
	}
	return nil
}

type registryPublisherRow struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Streams     []string  `json:"streams"`
	Created     time.Time `json:"created"`
	LogPosition int64     `json:"log_position"`
}

func (p registryPublisherRow) publisher() *kapivara.Publisher {
	return &kapivara.Publisher{
		Name: p.Name, Description: p.Description, Streams: p.Streams, Created: p.Created, LogPosition: p.LogPosition,
	}
}

type registryTypeRow struct {
	Type        string    `json:"type"`
	Kind        int32     `json:"kind_no"`
	Publisher   string    `json:"publisher"`
	Schema      *string   `json:"schema"`
	Metadata    *string   `json:"metadata"`
	Created     time.Time `json:"created"`
	LogPosition int64     `json:"log_position"`
}

func (t registryTypeRow) eventType() *kapivara.EventType {
	return &kapivara.EventType{
		Kind: t.Kind, Type: t.Type, Publisher: t.Publisher, Schema: registryBytes(t.Schema),
		Metadata: registryBytes(t.Metadata), Created: t.Created, LogPosition: t.LogPosition,
	}
}

func registryBytes(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

type registrySubscriberRow struct {
	No            int32     `json:"subscriber_no"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	System        string    `json:"system"`
	Types         []string  `json:"types"`
	Streams       []string  `json:"streams"`
	Buckets       int       `json:"buckets"`
	CanaryBuckets int       `json:"canary_buckets"`
	Deliver       string    `json:"deliver"`
	Start         *int64    `json:"start"`
	AckWaitMS     int64     `json:"ack_wait_ms"`
	MaxAttempts   int       `json:"max_attempts"`
	BackoffMS     []int64   `json:"backoff_ms"`
	MaxInFlight   int       `json:"max_in_flight"`
	Created       time.Time `json:"created"`
	LogPosition   int64     `json:"log_position"`
	BehindAfter   *int64    `json:"behind_after"`
	Grown         bool      `json:"grown"`
	MovingAfter   *int64    `json:"moving_after"`
	MovingUntil   *int64    `json:"moving_until"`
	Relaid        int64     `json:"relaid"`
}

func (s registrySubscriberRow) subscriber() *kapivara.Subscriber {
	start := kapivara.Start{New: true}
	if s.Start != nil {
		start = kapivara.Start{After: *s.Start}
	}
	backoff := make([]time.Duration, len(s.BackoffMS))
	for i, ms := range s.BackoffMS {
		backoff[i] = time.Duration(ms) * time.Millisecond
	}
	subscriber := &kapivara.Subscriber{
		No: s.No, Name: s.Name, Description: s.Description, System: s.System, Types: s.Types, Streams: s.Streams,
		Buckets: s.Buckets, CanaryBuckets: s.CanaryBuckets, Deliver: kapivara.Mode(s.Deliver), Start: start,
		AckWait: time.Duration(s.AckWaitMS) * time.Millisecond, MaxAttempts: s.MaxAttempts, Backoff: backoff,
		MaxInFlight: s.MaxInFlight, Created: s.Created, LogPosition: s.LogPosition, Behind: s.BehindAfter != nil,
		Grown: s.Grown, Relaid: s.Relaid,
	}
	if s.MovingAfter != nil && s.MovingUntil != nil {
		subscriber.Moving = &kapivara.Move{Subscriber: s.No, Placed: *s.MovingAfter, Until: *s.MovingUntil}
	}
	return subscriber
}
