package main

import "kapivara/pkg/client"

type replayCommand struct {
	Subscriber string `arg:"" help:"The subscriber."`
	After      *int64 `placeholder:"N" help:"What became due after this log position; 0 begins with the first event."`
	Since      string `placeholder:"TIME" help:"What became due since then: 2026-01-31T09:30:00Z, 2026-01-31, or how long ago, 2h."`
	To         *int64 `placeholder:"N" help:"Up to this log position. Defaults to the log's head."`
	Stream     string `placeholder:"STREAM" help:"Only this stream."`
	Bucket     string `short:"b" placeholder:"BUCKET" help:"Only what belongs to this bucket: 0, 1, 2 … or canary-0 …"`
	DryRun     bool   `help:"Send nothing, count the streams that would be sent."`
	Yes        bool   `short:"y" help:"Do not ask."`
	JSON       bool   `help:"Print the answer as JSON."`
}

// Help says what is left out.
func (*replayCommand) Help() string {
	return `Each stream that became due in the range is sent once more, whole and as a new delivery, behind what is due
by itself. A stream of which anything is due, leased, hidden or parked is left out.`
}

// Run has streams sent again.
func (cmd *replayCommand) Run(a *session) error {
	r := client.Replay{Stream: client.Stream(cmd.Stream)}
	if (cmd.After != nil) == (cmd.Since != "") {
		return usage("say from where by one of --after (0 is the beginning) and --since")
	}
	var err error
	if r.Since, err = when(cmd.Since); err != nil {
		return err
	}
	if cmd.After != nil {
		r.After = *cmd.After
	}
	if cmd.To != nil {
		if r.To = *cmd.To; r.To < 1 {
			return usage("--to is a log position, 1 or more")
		}
	}
	if r.Bucket, err = bucketFlag(cmd.Bucket); err != nil {
		return err
	}
	again := " %s to " + cmd.Subscriber + " again"
	ch := change{
		would: "would send" + again, did: "will send" + again, question: "Send" + again + "?", unit: [2]string{"stream", "streams"},
		yes: cmd.Yes, dryRun: cmd.DryRun, json: cmd.JSON,
	}
	return a.change(ch, func(c *client.Client, dryRun bool) (int, error) {
		r.DryRun = dryRun
		return c.Replay(a.ctx, cmd.Subscriber, r)
	})
}
