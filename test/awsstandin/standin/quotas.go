package standin

import (
	"fmt"
	"maps"
	"sync"
	"time"
)

// The API families that have a quota of their own, per account and region.
const (
	QuotaGetSecretValue      = "secretsmanager:GetSecretValue"
	QuotaDescribeSecret      = "secretsmanager:DescribeSecret"
	QuotaListSecrets         = "secretsmanager:ListSecrets"
	QuotaBatchGetSecretValue = "secretsmanager:BatchGetSecretValue"
	QuotaCreateSecret        = "secretsmanager:CreateSecret"
	QuotaDeleteSecret        = "secretsmanager:DeleteSecret"
	QuotaRestoreSecret       = "secretsmanager:RestoreSecret"
	// QuotaChangeVersions is PutSecretValue, UpdateSecret, UpdateSecretVersionStage and replication together.
	QuotaChangeVersions = "secretsmanager:ChangeVersions"
	// QuotaTags is TagResource and UntagResource together.
	QuotaTags = "secretsmanager:Tags"
	// QuotaKMSCryptography is KMS's symmetric operations together.
	QuotaKMSCryptography = "kms:Cryptography"
)

var quotaFamilies = map[string]map[string]string{
	serviceSecrets: {
		"GetSecretValue":               QuotaGetSecretValue,
		"DescribeSecret":               QuotaDescribeSecret,
		"ListSecrets":                  QuotaListSecrets,
		"BatchGetSecretValue":          QuotaBatchGetSecretValue,
		"CreateSecret":                 QuotaCreateSecret,
		"DeleteSecret":                 QuotaDeleteSecret,
		"RestoreSecret":                QuotaRestoreSecret,
		"PutSecretValue":               QuotaChangeVersions,
		"UpdateSecret":                 QuotaChangeVersions,
		"UpdateSecretVersionStage":     QuotaChangeVersions,
		"ReplicateSecretToRegions":     QuotaChangeVersions,
		"RemoveRegionsFromReplication": QuotaChangeVersions,
		"TagResource":                  QuotaTags,
		"UntagResource":                QuotaTags,
	},
	serviceKMS: {
		"Encrypt":                         QuotaKMSCryptography,
		"Decrypt":                         QuotaKMSCryptography,
		"ReEncrypt":                       QuotaKMSCryptography,
		"GenerateDataKey":                 QuotaKMSCryptography,
		"GenerateDataKeyWithoutPlaintext": QuotaKMSCryptography,
	},
}

// RealQuotas are AWS's, in requests per second per account and region, with a burst of one second's worth.
func RealQuotas() map[string]float64 {
	return map[string]float64{
		QuotaGetSecretValue:      10000,
		QuotaDescribeSecret:      40000,
		QuotaListSecrets:         100,
		QuotaBatchGetSecretValue: 100,
		QuotaCreateSecret:        50,
		QuotaDeleteSecret:        50,
		QuotaRestoreSecret:       50,
		QuotaChangeVersions:      50,
		QuotaTags:                50,
		QuotaKMSCryptography:     10000,
	}
}

// SetQuota changes the requests per second of a family, in every account and region, from now on; 0 is no limit.
func (s *Server) SetQuota(family string, perSecond float64) error {
	switch {
	case RealQuotas()[family] == 0:
		return fmt.Errorf("no quota is called %q", family)
	case perSecond < 0:
		return fmt.Errorf("a quota must not be negative")
	}
	s.quotas.set(family, perSecond)
	return nil
}

// Quotas returns the quotas that stand, in requests per second.
func (s *Server) Quotas() map[string]float64 {
	s.quotas.mu.Lock()
	defer s.quotas.mu.Unlock()
	return maps.Clone(s.quotas.rates)
}

// quotas are the token buckets of every account, region and family that was used.
type quotas struct {
	mu      sync.Mutex
	rates   map[string]float64
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	where  regionKey
	family string
}

func newQuotas(rates map[string]float64) *quotas {
	q := &quotas{rates: make(map[string]float64), buckets: make(map[bucketKey]*bucket)}
	maps.Copy(q.rates, rates)
	return q
}

// set begins a family's buckets anew, each full.
func (q *quotas) set(family string, rate float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rates[family] = rate
	maps.DeleteFunc(q.buckets, func(key bucketKey, _ *bucket) bool { return key.family == family })
}

// take spends a token of the call's family, or says that there is none. It runs on the machine's clock.
func (q *quotas) take(c *call) error {
	family := quotaFamilies[c.service][c.operation]
	if family == "" {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	rate := q.rates[family]
	if rate <= 0 {
		return nil
	}
	key := bucketKey{c.region.regionKey, family}
	b := q.buckets[key]
	if b == nil {
		b = &bucket{tokens: rate, filled: time.Now()}
		q.buckets[key] = b
	}
	if !b.take(rate, time.Now()) {
		return throttled(c.service)
	}
	return nil
}

// bucket holds at most one second's worth of tokens.
type bucket struct {
	tokens float64
	filled time.Time
}

func (b *bucket) take(rate float64, now time.Time) bool {
	b.tokens = min(rate, b.tokens+now.Sub(b.filled).Seconds()*rate)
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func throttled(service string) *apiError {
	if service == serviceSTS {
		return refuse("Throttling", "Rate exceeded")
	}
	return refuse("ThrottlingException", "Rate exceeded")
}
