package postgres

import _ "embed"

var (
	//go:embed sql/append_take.sql
	sqlAppendTake string
	//go:embed sql/append_streams.sql
	sqlAppendStreams string
	//go:embed sql/append_events.sql
	sqlAppendEvents string
	//go:embed sql/append_outbox.sql
	sqlAppendOutbox string
	//go:embed sql/append_grown.sql
	sqlAppendGrown string
	//go:embed sql/lookup_heads.sql
	sqlLookupHeads string
	//go:embed sql/lookup_ids.sql
	sqlLookupIDs string
	//go:embed sql/lookup_positions.sql
	sqlLookupPositions string
)
