package rest

import (
	"context"
	"net/http"
	"slices"

	"github.com/your-org/keeper/alerts"
	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ListAlerts lists alerts, newest first.
func (s *server) ListAlerts(w http.ResponseWriter, r *http.Request, params api.ListAlertsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		if params.Kind != "" && !params.Kind.Valid() {
			return answer{}, fault.InvalidField("kind", "must be a kind of alerts, such as drift")
		}
		environments, err := s.oneEnvironment(ctx, actor, params.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		found, around, err := s.Alerts.Alerts(ctx, actor, alerts.Query{
			Environments: environments, Kind: models.AlertKind(params.Kind), Subject: params.Subject, Open: params.Open,
			Cursor: params.Cursor, Limit: limit,
		})
		return answer{body: api.AlertList{Items: convert(found, alert), Next: around.Next}, next: around.Next}, err
	})
}

// GetAlert reads an alert.
func (s *server) GetAlert(w http.ResponseWriter, r *http.Request, id api.AlertID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Alerts.Alert(ctx, actor, models.AlertID(id))
		return answer{body: alert(found)}, err
	})
}

// ListNotices lists what was told of an alert.
func (s *server) ListNotices(w http.ResponseWriter, r *http.Request, id api.AlertID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		notices, err := s.Alerts.Notices(ctx, actor, models.AlertID(id))
		return answer{body: api.NoticeList{Items: convert(notices, notice)}}, err
	})
}

// ListAlertChannels lists the channels that the actor manages.
func (s *server) ListAlertChannels(w http.ResponseWriter, r *http.Request, params api.ListAlertChannelsParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var only models.EnvironmentID
		if params.EnvironmentID != "" {
			e, err := s.Secrets.FindEnvironment(ctx, actor, params.EnvironmentID)
			if err != nil {
				return answer{}, err
			}
			only = e.ID
		}
		all, err := s.Alerts.Channels(ctx, actor, only)
		return answer{body: api.AlertChannelList{Items: convert(all, channel)}}, err
	})
}

// CreateAlertChannel makes a channel and tells the signing key that it made, once.
func (s *server) CreateAlertChannel(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewAlertChannel
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		environment, err := s.environmentID(ctx, actor, body.EnvironmentID)
		if err != nil {
			return answer{}, err
		}
		created, made, err := s.Alerts.CreateChannel(ctx, actor, alerts.Draft{
			Environment: environment, Everywhere: body.Everywhere, Name: body.Name, Kind: models.ChannelKind(body.Kind),
			Address: body.Address, Secret: plaintext(body.Secret), Kinds: convert(body.Kinds, alertKind),
		})
		a := channelAnswer(created, made)
		a.status, a.location = http.StatusCreated, "/api/alert-channels/"+string(created.ID)
		return a, err
	})
}

// GetAlertChannel reads a channel.
func (s *server) GetAlertChannel(w http.ResponseWriter, r *http.Request, id api.ChannelID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Alerts.Channel(ctx, actor, models.ChannelID(id))
		return answer{body: channel(found), revision: found.Revision}, err
	})
}

// UpdateAlertChannel changes some fields.
func (s *server) UpdateAlertChannel(w http.ResponseWriter, r *http.Request, id api.ChannelID, params api.UpdateAlertChannelParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.AlertChannelChange
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		expect, err := expected(params.IfMatch, func() (int64, error) {
			found, err := s.Alerts.Channel(ctx, actor, models.ChannelID(id))
			return found.Revision, err
		})
		if err != nil {
			return answer{}, err
		}
		change := alerts.ChannelChange{Name: body.Name, Address: body.Address, Everywhere: body.Everywhere, Enabled: body.Enabled}
		if !body.Secret.IsZero() {
			secret := plaintext(body.Secret)
			change.Secret = &secret
		}
		if body.Kinds != nil {
			kinds := convert(*body.Kinds, alertKind)
			change.Kinds = &kinds
		}
		changed, made, err := s.Alerts.UpdateChannel(ctx, actor, models.ChannelID(id), change, expect)
		return channelAnswer(changed, made), err
	})
}

// DeleteAlertChannel removes a channel.
func (s *server) DeleteAlertChannel(w http.ResponseWriter, r *http.Request, id api.ChannelID, params api.DeleteAlertChannelParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Alerts.Channel(ctx, actor, models.ChannelID(id))
		if err != nil {
			return answer{}, err
		}
		expect, err := expected(params.IfMatch, func() (int64, error) { return found.Revision, nil })
		if err == nil {
			err = stale(expect, found.Revision)
		}
		if err == nil {
			err = s.Alerts.DeleteChannel(ctx, actor, found.ID)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// TestAlertChannel sends a test notice. That it does not arrive is the answer, not a problem
// of the request.
func (s *server) TestAlertChannel(w http.ResponseWriter, r *http.Request, id api.ChannelID) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		found, err := s.Alerts.Channel(ctx, actor, models.ChannelID(id))
		if err != nil {
			return answer{}, err
		}
		err = s.Alerts.TestChannel(ctx, actor, found.ID)
		if err == nil || fault.Is(err, fault.Internal) {
			return answer{body: api.ChannelTest{OK: true}}, err
		}
		public := fault.Public(err)
		return answer{body: api.ChannelTest{Detail: public.Message, Hint: public.Hint}}, nil
	})
}

func channelAnswer(c models.AlertChannel, made models.Plaintext) answer {
	defer made.Zero()
	body := api.AlertChannelWithKey{AlertChannel: channel(c)}
	if made.Len() > 0 {
		body.SigningKey = api.NewValue(string(made.Reveal()))
	}
	return answer{body: body, revision: c.Revision}
}

func channel(c models.AlertChannel) api.AlertChannel {
	return api.AlertChannel{
		ID: string(c.ID), EnvironmentID: int64(c.EnvironmentID), Everywhere: c.Everywhere, Name: c.Name, Kind: api.ChannelKind(c.Kind),
		Address: c.Address, Kinds: convert(c.Kinds, func(k models.AlertKind) api.AlertKind { return api.AlertKind(k) }), Enabled: c.Enabled,
		Revision: c.Revision, CreatedAt: c.CreatedAt.UTC(), CreatedBy: c.CreatedBy, UpdatedAt: c.UpdatedAt.UTC(),
		DeliveredAt: moment(c.DeliveredAt), LastError: c.LastError,
	}
}

func alertKind(k api.AlertKind) models.AlertKind { return models.AlertKind(k) }

func alert(a models.Alert) api.Alert {
	return api.Alert{
		ID: string(a.ID), EnvironmentID: int64(a.EnvironmentID), Kind: api.AlertKind(a.Kind), Subject: a.Subject, SubjectName: a.SubjectName,
		Summary: a.Summary, Hint: a.Hint, Secrets: slices.Concat([]string{}, a.Secrets), SecretsTotal: a.Total, Count: a.Count,
		OpenedAt: a.OpenedAt.UTC(), LastSeenAt: a.LastSeenAt.UTC(), NotifiedAt: a.NotifiedAt.UTC(), ResolvedAt: moment(a.ResolvedAt),
	}
}

func notice(n models.Notice) api.Notice {
	told := api.Notice{
		ID: string(n.UID), ChannelID: string(n.ChannelID), Occasion: string(n.Occasion), Status: string(n.Status), Attempts: n.Attempts,
		LastError: n.LastError, CreatedAt: n.CreatedAt.UTC(), DeliveredAt: moment(n.DeliveredAt),
	}
	if n.Status == models.NoticePending {
		told.NextTryAt = n.NextTryAt.UTC()
	}
	return told
}
