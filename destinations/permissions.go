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

// TestEach tries each permission that a destination's credentials need by itself, on a
// throw-away name under its prefix that it leaves nothing of, and tells of all of them. The
// error is that nothing could be tried.
func (s *Service) TestEach(ctx context.Context, actor models.Actor, id models.DestinationID) ([]keepersync.Tried, error) {
	d, e, err := s.destination(ctx, actor, auth.ManageDestination, id)
	if err != nil {
		return nil, err
	}
	credentials, err := s.credentials(ctx, e, d)
	if err != nil {
		return nil, err
	}
	tried, err := s.try(ctx, d, credentials)
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

func (s *Service) try(ctx context.Context, d models.Destination, c models.DestinationCredentials) ([]keepersync.Tried, error) {
	driver, err := s.Open(ctx, d, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return keepersync.Try(ctx, driver), nil
}

// missing names what syncing needs and was not found to be allowed.
func missing(tried []keepersync.Tried) []string {
	var names []string
	for _, t := range tried {
		if !t.OK && !t.Optional {
			names = append(names, t.Permission)
		}
	}
	slices.Sort(names)
	return names
}
