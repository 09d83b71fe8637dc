package bus

import "context"

// Ready is closed once Run has joined the service's group.
func (b *Bus) Ready() <-chan struct{} { return b.ready }

// Run consumes until ctx ends.
func (b *Bus) Run(ctx context.Context) error { <-ctx.Done(); return nil }
