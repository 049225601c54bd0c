package audit

import (
	"context"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Refused records that an actor was refused, and returns the refusal. Where it cannot be
// recorded the answer is Unavailable: nothing is refused in silence.
func Refused(ctx context.Context, s *store.Store, entry models.AuditEntry, refusal error) error {
	if err := s.Record(ctx, Ended(entry, refusal)); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The audit log cannot be written; nothing was done.").WithHint("Try again.")
	}
	return refusal
}
