// Package awskms wraps data keys under keys of AWS KMS. The wrapping keys never leave KMS,
// and every use of one stands in CloudTrail with its encryption context.
package awskms

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Options say which wrapping key is the default, where KMS is, and as whom it is asked. There
// need be no default where KMS is not the primary backend: every key is named then.
type Options struct {
	KeyID      string // key id or ARN of the default key
	KeyAlias   string // its alias, where KeyID is empty: "alias/keeper", or the alias's ARN
	Endpoint   string // another URL than AWS's own, for KMS in all regions and for STS; empty: what the aws.Config says
	RoleARN    string // role to be assumed; empty: none
	ExternalID string // that the role asks for; empty: none
}

// Wrapper is the AWS KMS backend: each key is asked for in the region that its ARN names, and
// keys named otherwise in the region of the configuration. It is safe for many goroutines.
type Wrapper struct {
	clients *clients
	region  string // the default
	key     string // the default; empty: none
	role    string // that is assumed; empty: none
}

var (
	_ kms.Wrapper   = (*Wrapper)(nil)
	_ kms.Tester    = (*Wrapper)(nil)
	_ kms.Placed    = (*Wrapper)(nil)
	_ kms.Rewrapper = (*Wrapper)(nil)
)

// idleConnections is how many connections to one region stay open between calls. The SDK's 10
// would have a re-wrap at 1,000 calls a second open and close most of its connections.
const idleConnections = 128

// callTime bounds one try of a call. The SDK alone bounds none: a KMS, or what stands before
// it, that takes connections and never answers would hold long works for ever.
const callTime = 5 * time.Second

// New makes the backend from an AWS configuration, whose region, credentials, HTTP client
// and retries it keeps. It makes no call.
func New(cfg aws.Config, options Options) (*Wrapper, error) {
	key := cmp.Or(options.KeyID, options.KeyAlias)
	if key != "" {
		key = keyName(key)
	}
	if cfg.Region == "" {
		return nil, fault.New(fault.Invalid, "No region is named for AWS KMS.").WithHint("Set AWS_REGION to the region of the key.")
	}
	cfg.HTTPClient = pooled(cfg.HTTPClient)
	if options.RoleARN != "" {
		cfg.Credentials = assume(cfg, options)
	}
	return &Wrapper{
		clients: &clients{cfg: cfg, endpoint: options.Endpoint, byRegion: map[string]*awskms.Client{}},
		region:  cfg.Region, key: key, role: options.RoleARN,
	}, nil
}

// pooled is the SDK's own client with room for more idle connections, and with callTime where
// it has no bound of its own; another stays as it is.
func pooled(client aws.HTTPClient) aws.HTTPClient {
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	if own, ok := client.(*awshttp.BuildableClient); ok {
		if own.GetTimeout() == 0 {
			own = own.WithTimeout(callTime)
		}
		return own.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = idleConnections })
	}
	return client
}

// assume gives the credentials of a role, fetched when first needed, kept until shortly before
// they expire, and asked for once however many calls wait for them.
func assume(cfg aws.Config, options Options) aws.CredentialsProvider {
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		if options.Endpoint != "" {
			o.BaseEndpoint = aws.String(options.Endpoint)
		}
	})
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, options.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "keeper"
		if options.ExternalID != "" {
			o.ExternalID = aws.String(options.ExternalID)
		}
	}))
}

// Kind is models.RecipientKMS.
func (w *Wrapper) Kind() models.RecipientKind { return models.RecipientKMS }

// GenerateDataKey asks KMS for a fresh data key. The recipient id is the ARN of the key that
// wrapped it, also where an alias was named: an alias may point elsewhere tomorrow.
func (w *Wrapper) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	key, err := w.named(key)
	if err != nil {
		return nil, kms.Wrapped{}, err
	}
	client, region := w.client(key)
	out, err := client.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: ec,
	})
	if err != nil {
		return nil, kms.Wrapped{}, w.explain(ctx, err, call{permissions: []string{permGenerate}, key: key, region: region, ec: ec})
	}
	return out.Plaintext, kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

// Wrap asks KMS to encrypt a data key.
func (w *Wrapper) Wrap(ctx context.Context, key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	if len(plain) != kms.KeySize {
		return kms.Wrapped{}, fault.New(fault.Internal, "A data key of %d bytes cannot be wrapped.", len(plain))
	}
	key, err := w.named(key)
	if err != nil {
		return kms.Wrapped{}, err
	}
	client, region := w.client(key)
	out, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key, Plaintext: plain, EncryptionContext: ec})
	if err != nil {
		return kms.Wrapped{}, w.explain(ctx, err, call{permissions: []string{permEncrypt}, key: key, region: region, ec: ec})
	}
	return kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

// Unwrap asks KMS to decrypt. The key is named, so that KMS refuses a blob that was wrapped
// under another one instead of opening it.
func (w *Wrapper) Unwrap(ctx context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	if err := named(wrapped); err != nil {
		return nil, err
	}
	client, region := w.client(wrapped.RecipientID)
	out, err := client.Decrypt(ctx, &awskms.DecryptInput{
		KeyId: &wrapped.RecipientID, CiphertextBlob: wrapped.Blob, EncryptionContext: ec,
	})
	if err != nil {
		return nil, w.explain(ctx, err, call{permissions: []string{permDecrypt}, key: wrapped.RecipientID, region: region, ec: ec})
	}
	return out.Plaintext, nil
}

// named refuses a row that names no key: KMS would take whichever key the blob asks for.
func named(wrapped kms.Wrapped) error {
	if wrapped.RecipientID == "" {
		return fault.New(fault.Invalid, "A wrapped key does not say which KMS key wraps it.").WithHint("Its row was damaged; restore it from a backup.")
	}
	return nil
}

// Rewrap re-encrypts inside KMS, so that the data key does not come here, where CanRewrap says
// that it is possible.
func (w *Wrapper) Rewrap(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	if err := named(wrapped); err != nil {
		return kms.Wrapped{}, err
	}
	key, err := w.named(key)
	if err != nil {
		return kms.Wrapped{}, err
	}
	if !w.CanRewrap(wrapped.RecipientID, key) {
		return w.rewrapHere(ctx, wrapped, key, ec)
	}
	client, region := w.client(wrapped.RecipientID)
	out, err := client.ReEncrypt(ctx, &awskms.ReEncryptInput{
		CiphertextBlob: wrapped.Blob,
		SourceKeyId:    &wrapped.RecipientID, SourceEncryptionContext: ec,
		DestinationKeyId: &key, DestinationEncryptionContext: ec,
	})
	if err != nil {
		return kms.Wrapped{}, w.explain(ctx, err, call{
			permissions: []string{permReEncryptFrom, permReEncryptTo}, key: wrapped.RecipientID, to: key, region: region, ec: ec,
		})
	}
	return kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

func (w *Wrapper) rewrapHere(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	plain, err := w.Unwrap(ctx, wrapped, ec)
	if err != nil {
		return kms.Wrapped{}, err
	}
	defer clear(plain)
	return w.Wrap(ctx, key, plain, ec)
}

// named is what KMS is asked for.
func (w *Wrapper) named(key string) (string, error) {
	switch {
	case key != "":
		return keyName(key), nil
	case w.key == "":
		return "", fault.New(fault.Unavailable, "No KMS key is named, and there is none by default.").
			WithHint("Name a key, or set KMS_KEY_ID or KMS_KEY_ALIAS.")
	}
	return w.key, nil
}

var keyID = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// keyName lets an alias be given without its "alias/", as people say it; KMS itself would
// take "keeper" for a key id that does not exist.
func keyName(key string) string {
	if strings.HasPrefix(key, "arn:") || strings.HasPrefix(key, "alias/") || keyID.MatchString(key) {
		return key
	}
	return "alias/" + key
}
