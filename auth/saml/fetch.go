package saml

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/your-org/keeper/fault"
)

const (
	fetchTimeout  = 15 * time.Second
	retryInterval = time.Minute // after a fetch that failed
)

// fetch is how fetching metadata went.
type fetch struct {
	at      time.Time
	problem string // "" when it went well
}

// Refresh fetches the metadata anew. What is not good is not taken: the last good metadata stays. An error is
// Unavailable when the address does not answer, Invalid when what it answers is no metadata of this identity provider.
// Without a MetadataURL it does nothing.
func (p *Provider) Refresh(ctx context.Context) error {
	if p.cfg.MetadataURL == "" {
		return nil
	}
	err := p.refresh(ctx)
	outcome := &fetch{at: p.now()}
	if err != nil {
		outcome.problem = fault.Public(err).Error()
	}
	p.last.Store(outcome)
	return err
}

func (p *Provider) refresh(ctx context.Context) error {
	raw, err := p.download(ctx)
	if err != nil {
		return err
	}
	wanted, known := p.cfg.Issuer, p.idp.Load()
	if wanted == "" && known != nil {
		wanted = known.entityID
	}
	idp, err := parseMetadata(raw, wanted)
	if err != nil {
		return err
	}
	if _, err := parseMetadata(raw, p.cfg.Issuer); err != nil {
		return err // what is kept must be good for New
	}
	if known != nil && bytes.Equal(known.raw, raw) {
		return nil
	}
	if p.deps.Keep != nil {
		if err := p.deps.Keep(ctx, raw); err != nil {
			return fault.Wrap(err, fault.KindOf(err), "The identity provider's metadata could not be kept.")
		}
	}
	p.idp.Store(idp)
	return nil
}

func (p *Provider) download(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.cfg.MetadataURL, http.NoBody)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The metadata URL cannot be read.")
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	response, err := p.deps.HTTP.Do(request)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The identity provider's metadata cannot be fetched.").
			WithHint("Check the metadata URL and that Keeper can reach it.")
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "The metadata URL answered %d.", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The identity provider's metadata could not be read to its end.")
	}
	if len(raw) > maxMessage {
		return nil, fault.New(fault.Invalid, "The metadata is larger than %d bytes.", maxMessage)
	}
	return raw, nil
}

// Run keeps the metadata fresh until ctx ends: at once, then at an interval, and a minute after each failure.
func (p *Provider) Run(ctx context.Context, interval time.Duration) {
	if p.cfg.MetadataURL == "" {
		return
	}
	for {
		wait := interval
		if err := p.Refresh(ctx); err != nil && ctx.Err() == nil {
			p.deps.Log.WarnContext(ctx, "metadata of an identity provider was not refreshed; the last good stays", "provider", p.cfg.ID, "error", err)
			wait = min(interval, retryInterval)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// metadataClient is client with a rule for redirects: metadata is believed because of where it comes from, so that no
// step may leave TLS.
func metadataClient(client *http.Client) *http.Client {
	guarded := http.Client{Timeout: fetchTimeout}
	if client != nil {
		guarded = *client
	}
	guarded.CheckRedirect = func(request *http.Request, via []*http.Request) error {
		if len(via) >= 3 {
			return errors.New("too many redirects")
		}
		if !trustworthyURL(request.URL.String()) || request.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
			return errors.New("a redirect away from https")
		}
		return nil
	}
	return &guarded
}
