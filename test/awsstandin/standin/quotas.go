package standin

import (
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
	// QuotaChangeVersions is PutSecretValue, UpdateSecret and UpdateSecretVersionStage together.
	QuotaChangeVersions = "secretsmanager:ChangeVersions"
	// QuotaTags is TagResource and UntagResource together.
	QuotaTags = "secretsmanager:Tags"
	// QuotaKMSCryptography is KMS's symmetric operations together.
	QuotaKMSCryptography = "kms:Cryptography"
)

var quotaFamilies = map[string]map[string]string{
	serviceSecrets: {
		"GetSecretValue":           QuotaGetSecretValue,
		"DescribeSecret":           QuotaDescribeSecret,
		"ListSecrets":              QuotaListSecrets,
		"BatchGetSecretValue":      QuotaBatchGetSecretValue,
		"CreateSecret":             QuotaCreateSecret,
		"DeleteSecret":             QuotaDeleteSecret,
		"RestoreSecret":            QuotaRestoreSecret,
		"PutSecretValue":           QuotaChangeVersions,
		"UpdateSecret":             QuotaChangeVersions,
		"UpdateSecretVersionStage": QuotaChangeVersions,
		"TagResource":              QuotaTags,
		"UntagResource":            QuotaTags,
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

// quotas are the token buckets of every account, region and family that was used.
type quotas struct {
	rates map[string]float64

	mu      sync.Mutex
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	where  regionKey
	family string
}

func newQuotas(rates map[string]float64) *quotas {
	return &quotas{rates: maps.Clone(rates), buckets: make(map[bucketKey]*bucket)}
}

// take spends a token of the call's family, or says that there is none. It runs on the machine's clock.
func (q *quotas) take(c *call) error {
	family := quotaFamilies[c.service][c.operation]
	rate := q.rates[family]
	if rate <= 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
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
