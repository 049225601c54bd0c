// Package idempotency lets a request be sent again: what was done under a key is done once, and
// its first answer is kept, sealed, for whoever may still have it. Who has a key is decided by a
// unique row, and whether it was acted on by a mark that commits with the act, so that both hold
// over replicas and crashes.
package idempotency
