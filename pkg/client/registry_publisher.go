package client

import (
	"context"
	"iter"
)

// Publisher may append to the streams that fit.
type Publisher struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Streams     Filter `json:"streams"`
	record
}

// PublisherPatch changes the fields that are not nil.
type PublisherPatch struct {
	Description *string `json:"description,omitempty"`
	Streams     *Filter `json:"streams,omitempty"`
}

// SetPublisher creates a publisher, or changes what the patch names.
func (c *Client) SetPublisher(ctx context.Context, name string, patch PublisherPatch) (Publisher, error) {
	return registryCall[Publisher](ctx, c, publisherKind, "set", name, patch)
}

// Publisher reads a publisher.
func (c *Client) Publisher(ctx context.Context, name string) (Publisher, error) {
	return registryCall[Publisher](ctx, c, publisherKind, "get", name, struct{}{})
}

// RemovePublisher removes a publisher that has no event types.
func (c *Client) RemovePublisher(ctx context.Context, name string) (Removed, error) {
	return registryCall[Removed](ctx, c, publisherKind, "remove", name, struct{}{})
}

// Publishers gives all publishers.
func (c *Client) Publishers(ctx context.Context) iter.Seq2[Publisher, error] {
	return registryList[Publisher](ctx, c, publisherKind)
}

// EventType belongs to the one publisher that may append it.
type EventType struct {
	Type      string  `json:"type"`
	Publisher string  `json:"publisher"`
	Schema    RawJSON `json:"schema,omitempty"` // a JSON Schema
	Metadata  RawJSON `json:"metadata,omitempty"`
	record
}

// EventTypePatch changes the fields that are not nil; a schema of null takes the schema away.
type EventTypePatch struct {
	Schema   RawJSON `json:"schema,omitempty"`
	Metadata RawJSON `json:"metadata,omitempty"`
}

type eventTypeRequest struct {
	Type string `json:"type"`
	EventTypePatch
}

// SetEventType registers an event type of a publisher, or changes what the patch names.
func (c *Client) SetEventType(ctx context.Context, publisher, eventType string, patch EventTypePatch) (EventType, error) {
	return registryCall[EventType](ctx, c, eventTypeKind, "set", publisher, eventTypeRequest{eventType, patch})
}

// EventType reads an event type of a publisher.
func (c *Client) EventType(ctx context.Context, publisher, eventType string) (EventType, error) {
	return registryCall[EventType](ctx, c, eventTypeKind, "get", publisher, eventTypeRequest{Type: eventType})
}

// RemoveEventType removes an event type of a publisher; what is stored stays.
func (c *Client) RemoveEventType(ctx context.Context, publisher, eventType string) (Removed, error) {
	return registryCall[Removed](ctx, c, eventTypeKind, "remove", publisher, eventTypeRequest{Type: eventType})
}

// EventTypes gives all event types.
func (c *Client) EventTypes(ctx context.Context) iter.Seq2[EventType, error] {
	return registryList[EventType](ctx, c, eventTypeKind)
}
