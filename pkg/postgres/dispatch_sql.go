package postgres

import _ "embed"

// The dispatcher's statements; each file says what its statement guarantees.
var (
	//go:embed sql/dispatch_roster.sql
	dispatchRosterSQL string
	//go:embed sql/dispatch_lanes.sql
	dispatchLanesSQL string
	//go:embed sql/dispatch_hidden.sql
	dispatchHiddenSQL string
	//go:embed sql/dispatch_tail.sql
	dispatchTailSQL string
	//go:embed sql/dispatch_buckets.sql
	dispatchBucketsSQL string
	//go:embed sql/dispatch_first.sql
	dispatchFirstSQL string
	//go:embed sql/dispatch_leased.sql
	dispatchLeasedSQL string
	//go:embed sql/dispatch_deliveries.sql
	dispatchDeliveriesSQL string
	//go:embed sql/dispatch_open.sql
	dispatchOpenSQL string
	//go:embed sql/dispatch_opened.sql
	dispatchOpenedSQL string
	//go:embed sql/dispatch_hold_layouts.sql
	dispatchHoldLayoutsSQL string
	//go:embed sql/dispatch_moves.sql
	dispatchMovesSQL string
	//go:embed sql/dispatch_move_buckets.sql
	dispatchMoveBucketsSQL string
	//go:embed sql/dispatch_take.sql
	dispatchTakeSQL string
	//go:embed sql/dispatch_take_replays.sql
	dispatchTakeReplaysSQL string
	//go:embed sql/dispatch_replays.sql
	dispatchReplaysSQL string
	//go:embed sql/dispatch_lease.sql
	dispatchLeaseSQL string
	//go:embed sql/dispatch_again.sql
	dispatchAgainSQL string
	//go:embed sql/dispatch_lent.sql
	dispatchLentSQL string
	//go:embed sql/dispatch_commit.sql
	dispatchCommitSQL string
	//go:embed sql/dispatch_forget.sql
	dispatchForgetSQL string
	//go:embed sql/dispatch_settle.sql
	dispatchSettleSQL string
	//go:embed sql/dispatch_presence.sql
	dispatchPresenceSQL string
	//go:embed sql/dispatch_events.sql
	dispatchEventsSQL string
)
