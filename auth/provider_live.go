package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// boxSAML is the purpose under which the keys of providers are sealed.
const boxSAML = "saml key"

// liveEvery is how long a replica works with providers as it knows them before it looks
// whether they changed.
const liveEvery = time.Second

// liveProviders are the providers as this replica works with them.
type liveProviders struct {
	mu     sync.Mutex
	looked time.Time // when it was last looked whether they changed
	byName map[string]*liveProvider
}

// liveProvider is a provider at work. Exactly one of saml and problem is set.
type liveProvider struct {
	row     models.Provider
	mark    store.ProviderMark
	saml    *saml.Provider
	problem error // why it cannot work
}

// guardedClient fetches metadata, and is kept away from what only the machine itself should
// reach.
func guardedClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = egress.Proxy(t.Proxy)
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, Control: egress.Control}).DialContext
	return &http.Client{Transport: t, Timeout: 15 * time.Second}
}

// liveNamed is the provider of a name at work; NotFound where there is none.
func (s *Service) liveNamed(ctx context.Context, name string) (*liveProvider, error) {
	all, err := s.allLive(ctx)
	if err != nil {
		return nil, err
	}
	found := all[name]
	if found == nil {
		return nil, noProvider()
	}
	return found, nil
}

func noProvider() error {
	return fault.New(fault.NotFound, "There is no such identity provider, or none that you may see.")
}

// allLive are the providers by name, as they were a second ago at most.
func (s *Service) allLive(ctx context.Context) (map[string]*liveProvider, error) {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	now := s.now()
	if since := now.Sub(s.live.looked); s.live.byName != nil && since >= 0 && since < liveEvery {
		return s.live.byName, nil
	}
	var rows []models.Provider
	changed := false
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		marks, err := tx.ProviderMarks()
		if err != nil {
			return err
		}
		if changed = s.live.byName == nil || s.live.differ(marks); changed {
			rows, err = tx.Providers()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.live.looked = now
	if changed {
		s.live.byName = s.renewLive(rows)
	}
	return s.live.byName, nil
}

// differ reports whether what stands is not what is at work.
func (l *liveProviders) differ(marks []store.ProviderMark) bool {
	standing := map[models.ProviderID]store.ProviderMark{}
	for _, m := range marks {
		standing[m.ID] = m
	}
	for _, one := range l.byName {
		if m, ok := standing[one.row.ID]; !ok || !sameMark(m, one.mark) {
			return true
		}
	}
	return len(marks) != len(l.byName)
}

func sameMark(a, b store.ProviderMark) bool {
	fetched := a.FetchedAt == nil && b.FetchedAt == nil || a.FetchedAt != nil && b.FetchedAt != nil && a.FetchedAt.Equal(*b.FetchedAt)
	return a.ID == b.ID && a.Revision == b.Revision && fetched
}

// renewLive builds the providers that changed. One that cannot work does not stop the others.
func (s *Service) renewLive(rows []models.Provider) map[string]*liveProvider {
	next := map[string]*liveProvider{}
	for _, row := range rows {
		mark := store.ProviderMark{ID: row.ID, Revision: row.Revision, FetchedAt: row.FetchedAt}
		if before := s.live.byName[row.Name]; before != nil && sameMark(before.mark, mark) {
			next[row.Name] = before
			continue
		}
		one := &liveProvider{row: row, mark: mark}
		if one.saml, one.problem = s.openProvider(row); one.problem != nil {
			s.deps.Log.Error("an identity provider cannot work", "provider", row.Name, "error", one.problem)
		}
		next[row.Name] = one
	}
	return next
}

// lookAgain has the next request look whether providers changed.
func (s *Service) lookAgain() {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	s.live.looked = time.Time{}
}

// openProvider makes a provider that works out of its row.
func (s *Service) openProvider(row models.Provider) (*saml.Provider, error) {
	keys, err := s.openKeys(row)
	if err != nil {
		return nil, err
	}
	return s.newSAML(row, keys, "")
}

func (s *Service) newSAML(row models.Provider, keys []saml.KeyPair, issuer string) (*saml.Provider, error) {
	at, err := s.providerAddresses(row)
	if err != nil {
		return nil, err
	}
	c := row.Config
	groups := c.GroupsAttribute
	if groups == "" {
		groups = "groups"
	}
	state := samlState{s, row.ID}
	return saml.New(saml.Config{
		ID: string(row.ID), Name: row.Label(), MetadataURL: c.MetadataURL, Metadata: row.Metadata, Issuer: issuer,
		EntityID: at.EntityID, ACSURL: at.ACSURL, SLOURL: at.SLOURL, Keys: keys,
		AllowResponseOnlySigned: c.AllowResponseOnly, AllowIDPInitiated: c.AllowIDPInitiated, EncryptAssertions: c.EncryptAssertions,
		NameIDFormat: c.NameIDFormat, UsernameAttribute: c.UsernameAttribute, EmailAttribute: c.EmailAttribute,
		NameAttribute: c.NameAttribute, GroupsAttribute: groups,
		MaxClockSkew: time.Duration(c.MaxClockSkew) * time.Second, MaxIssueDelay: time.Duration(c.MaxAge) * time.Second,
	}, saml.Deps{Requests: state, Replays: state, Now: s.now, HTTP: s.http, Log: s.deps.Log})
}

// ProviderAddresses are Keeper's own, as the identity provider has to be told them.
type ProviderAddresses struct {
	EntityID, ACSURL, SLOURL, MetadataURL, SignInURL string
}

// providerAddresses needs the address that people type: responses name it exactly. Only over
// TLS, or on this machine, can a browser show that it is the one that asked.
func (s *Service) providerAddresses(row models.Provider) (ProviderAddresses, error) {
	base, err := url.Parse(s.deps.PublicURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && !isLoopback(base.Hostname()) {
		return ProviderAddresses{}, fault.New(fault.Conflict, "Sign-in through an identity provider needs the https:// address of this server; nothing was done.").
			WithHint("Set KEEPER_PUBLIC_URL and start Keeper again.")
	}
	root := strings.TrimSuffix(s.deps.PublicURL, "/") + "/saml/" + row.Name
	at := ProviderAddresses{ACSURL: root + "/acs", SLOURL: root + "/slo", MetadataURL: root + "/metadata", SignInURL: root + "/sign-in", EntityID: row.Config.EntityID}
	if at.EntityID == "" {
		at.EntityID = at.MetadataURL
	}
	return at, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// openKeys opens a provider's key pairs, the one that signs first.
func (s *Service) openKeys(row models.Provider) ([]saml.KeyPair, error) {
	plain, err := s.box.Open(boxSAML, string(row.ID), row.Key)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var pairs []saml.KeyPair
	certs, keys := row.Cert, plain
	for {
		var cert, key *pem.Block
		cert, certs = pem.Decode(certs)
		key, keys = pem.Decode(keys)
		if cert == nil || key == nil {
			return pairs, nil
		}
		pair, err := saml.ParseKeyPair(pem.EncodeToMemory(cert), models.NewPlaintext(pem.EncodeToMemory(key)))
		clear(key.Bytes)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "A key of the identity provider %s cannot be read.", row.Name)
		}
		pairs = append(pairs, pair)
	}
}

// sealKeys puts key pairs into a provider's row.
func (s *Service) sealKeys(row *models.Provider, pairs []saml.KeyPair) error {
	var certs, keys []byte
	for _, pair := range pairs {
		key, err := pair.KeyPEM()
		if err != nil {
			return err
		}
		certs, keys = append(certs, pair.CertificatePEM()...), append(keys, key.Reveal()...)
	}
	defer clear(keys)
	sealed, err := s.box.Seal(boxSAML, string(row.ID), keys)
	row.Cert, row.Key = certs, sealed
	return err
}

func fingerprint(pair saml.KeyPair) string {
	sum := sha256.Sum256(pair.Certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// samlState keeps what a provider has to remember in the database, for all replicas.
type samlState struct {
	s        *Service
	provider models.ProviderID
}

func (k samlState) hash(relayState string) string { return k.s.digest("saml state\x00" + relayState) }

// Put implements saml.Requests.
func (k samlState) Put(ctx context.Context, relayState string, r saml.Request, expires time.Time) error {
	row := models.SAMLRequest{
		RelayState: k.hash(relayState), RequestID: r.ID, Kind: r.Kind, Purpose: r.Purpose, ProviderID: k.provider,
		ReturnTo: r.ReturnTo, Browser: r.Browser, CreatedAt: k.s.now(), ExpiresAt: expires,
	}
	return k.s.store.Write(ctx, func(tx *store.Tx) error { return tx.PutSAMLRequest(&row) })
}

// Take implements saml.Requests.
func (k samlState) Take(ctx context.Context, relayState string, now time.Time) (saml.Request, bool, error) {
	var row models.SAMLRequest
	err := k.s.store.Write(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.TakeSAMLRequest(k.hash(relayState))
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && !now.Before(row.ExpiresAt) {
		return saml.Request{}, false, nil
	}
	return asRequest(row), err == nil, err
}

func asRequest(row models.SAMLRequest) saml.Request {
	return saml.Request{Provider: string(row.ProviderID), Kind: row.Kind, ID: row.RequestID, ReturnTo: row.ReturnTo, Purpose: row.Purpose, Browser: row.Browser}
}

// peek looks at a request and leaves it; the zero one where there is none any more.
func (k samlState) peek(ctx context.Context, relayState string) (r saml.Request, err error) {
	err = k.s.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.SAMLRequest(k.hash(relayState))
		if err == nil && k.s.now().Before(row.ExpiresAt) && row.ProviderID == k.provider {
			r = asRequest(row)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return r, err
}

// Use implements saml.Replays.
func (k samlState) Use(ctx context.Context, key string, until time.Time) (fresh bool, err error) {
	err = k.s.store.Write(ctx, func(tx *store.Tx) error { return tx.UseAssertion(k.s.digest("saml used\x00"+key), until) })
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	return err == nil, err
}
