package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/secrets"
)

// pagesGroups is how many groups of people the pages know.
const pagesGroups = 40

// furniture is what stands in the world whose pages are measured, beside its secrets.
type furniture struct{ plan, run, group string }

// furnish leaves a plan over all copies of a destination, a run that was stopped on the
// way, and groups. The destination is paused again in the end.
func (s *syncBench) furnish(ctx context.Context, d api.Destination) (f furniture, err error) {
	if _, err := s.client.ResumeDestination(ctx, d.ID); err != nil {
		return f, err
	}
	plan, err := s.client.PlanSync(ctx, d.ID)
	if err != nil {
		return f, err
	}
	if _, err := s.client.PauseDestination(ctx, d.ID); err != nil {
		return f, err
	}
	f.plan = plan.ID
	if f.run, err = s.ended(ctx, d.ID); err != nil {
		return f, err
	}
	for i := range pagesGroups {
		made, err := s.client.CreateGroup(ctx, api.NewGroup{Name: fmt.Sprintf("team-%02d", i)})
		if err != nil {
			return f, err
		}
		f.group = made.ID
	}
	return f, nil
}

// ended is a destination's newest run, once it is over, however it ended.
func (s *syncBench) ended(ctx context.Context, destination string) (string, error) {
	for {
		runs, err := s.client.ListRuns(ctx, api.ListRunsParams{DestinationID: destination, Limit: new(1)})
		if err != nil {
			return "", err
		}
		if len(runs.Items) > 0 && !runs.Items[0].FinishedAt.IsZero() {
			return runs.Items[0].ID, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// bulkPaths are the previews of acts on as many secrets as one may choose.
func (s *syncBench) bulkPaths(ctx context.Context) ([]namedPath, error) {
	var ids []string
	params := api.ListSecretsParams{EnvironmentID: []string{s.e.Name}, Limit: new(200)}
	for {
		list, err := s.client.ListSecrets(ctx, params)
		if err != nil {
			return nil, err
		}
		for _, one := range list.Items {
			ids = append(ids, strconv.FormatInt(one.ID, 10))
		}
		if params.Cursor = list.Next; params.Cursor == "" || len(ids) >= secrets.MaxBulk {
			break
		}
	}
	chosen := "&" + url.Values{"id": {strings.Join(ids[:min(len(ids), secrets.MaxBulk)], ",")}}.Encode()
	return []namedPath{
		{"an edit of 1,000 secrets, previewed", "/secrets/bulk?act=edit&new_owner=Platform&expires_at=2030-01-01" + chosen},
		{"an edit of all that a search finds, previewed", "/secrets/bulk?act=edit&all=true&new_owner=Platform&q=" + searchedName},
		{"a deletion of 1,000 secrets, previewed", "/secrets/bulk?act=delete" + chosen},
	}, nil
}
