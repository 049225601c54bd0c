package destinations

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// tryTime bounds the trying of all permissions of a destination.
const tryTime = time.Minute

// Tried is what the trying of one permission found.
type Tried = keepersync.Tried

// TestEach tries each permission that a destination's credentials need by itself, on a
// throw-away name under its prefix that it leaves nothing of, and tells of all of them. The
// error is that nothing could be tried.
func (s *Service) TestEach(ctx context.Context, actor models.Actor, id models.DestinationID) ([]Tried, error) {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return nil, err
	}
	credentials, err := s.credentials(ctx, e, d)
	if err != nil {
		return nil, err
	}
	return s.tryAndRecord(ctx, actor, e, d, credentials)
}

// TestDraft is TestEach for a destination that is not saved. The error is what is wrong with
// the draft, who may not make it, or that nothing could be tried.
func (s *Service) TestDraft(ctx context.Context, actor models.Actor, draft Draft) ([]Tried, error) {
	d, e, err := s.drafted(ctx, actor, draft)
	if err != nil {
		return nil, err
	}
	d.ID = "" // the log shall not point at what is not there
	tried, err := s.tryAndRecord(ctx, actor, e, d, draft.Credentials)
	return tried, unsaved(err)
}

func (s *Service) tryAndRecord(ctx context.Context, actor models.Actor, e models.Environment, d models.Destination, c models.DestinationCredentials) ([]Tried, error) {
	tried, err := s.try(ctx, d, c)
	entry := audit.OnDestination(actor, "destination.test", e, d)
	if missing := missing(tried); err != nil || len(missing) > 0 {
		entry.Outcome = models.OutcomeFailed
		entry.Detail = map[string]string{"missing": strings.Join(missing, ", ")}
	}
	if err := s.Store.Record(ctx, entry); err != nil {
		return nil, err
	}
	return tried, err
}

func (s *Service) try(ctx context.Context, d models.Destination, c models.DestinationCredentials) ([]Tried, error) {
	driver, err := s.Open(ctx, d, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return keepersync.Try(ctx, driver), nil
}

// missing names what syncing needs and was not found to be allowed.
func missing(tried []Tried) []string {
	var names []string
	for _, t := range tried {
		if !t.OK && !t.Optional {
			names = append(names, t.Permission)
		}
	}
	slices.Sort(names)
	return names
}
