package awskms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// credentialCodes are the answers that mean that AWS does not take the credentials; KMS
// models none of them as types.
var credentialCodes = []string{
	"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
	"IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
	"InvalidTokenException", "AuthFailure", "OptInRequired",
}

var (
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	deniedCodes  = []string{"AccessDenied", "AccessDeniedException"}
)

// call is what was asked of KMS, as its errors tell it.
type call struct {
	permissions []string // that it needs
	key         string
	to          string // of ReEncrypt: the second key, unless the first alone is meant
	region      string
	ec          kms.Context // nil where the call carries none
}

// what is the permissions in words.
func (c call) what() string { return strings.Join(c.permissions, " and ") }

// missing is what it is that there is no such key: an answer where one looks it up, and else a
// key without which nothing can be said.
func (c call) missing() fault.Kind {
	if c.permissions[0] == permDescribe {
		return fault.NotFound
	}
	return fault.Unavailable
}

func (c call) keys() []string {
	if c.to == "" || c.to == c.key {
		return []string{c.key}
	}
	return []string{c.key, c.to}
}

// subject is the key with the environment that it was used for: "KMS key arn:… (environment
// production)".
func (c call) subject() string {
	named := "KMS key " + strings.Join(c.keys(), " or ")
	if environment := c.ec[kms.ContextEnvironment]; environment != "" {
		named += " (environment " + environment + ")"
	}
	return named
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// away is an error that waiting may mend, which kms.ErrUnreachable in the chain says.
func away(cause error, format string, args ...any) *fault.Error {
	return fault.Wrap(fmt.Errorf("%w: %w", kms.ErrUnreachable, cause), fault.Unavailable, format, args...)
}

// explain turns an error of the SDK into one that names the key, the environment, and the
// permission or step that mends it.
func (w *Wrapper) explain(ctx context.Context, err error, c call) error {
	if is[*smithy.DeserializationError](err) {
		// The answer can hold a data key and the decoder's error could quote it: no cause.
		return fault.Wrap(kms.ErrUnreachable, fault.Unavailable, "AWS gave an answer about the %s in %s that cannot be read.", c.subject(), c.region).
			WithHint("Check AWS_ENDPOINT_URL, and what stands between Keeper and it.")
	}
	if source := credentialSource(err); source != "" {
		return w.explainCredentials(err, source, c)
	}
	c = w.blame(ctx, err, c)
	if told := w.explainKey(ctx, err, c); told != nil {
		return told
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return explainCode(err, api.ErrorCode(), c)
	}
	return explainSilence(err, c)
}

// explainKey tells what is wrong with the key or the blob, or nil.
func (w *Wrapper) explainKey(ctx context.Context, err error, c call) error {
	switch {
	case is[*types.DisabledException](err), is[*types.KMSInvalidStateException](err):
		return w.explainState(ctx, err, c)
	case is[*types.NotFoundException](err):
		return fault.Wrap(err, c.missing(), "There is no %s in region %s of this account.", c.subject(), c.region).WithHint("%s", missingHint(c))
	case is[*types.InvalidArnException](err):
		return fault.Wrap(err, c.missing(), "The name of the %s cannot be the name of a key in region %s.", c.subject(), c.region).WithHint("%s", missingHint(c))
	case is[*types.InvalidKeyUsageException](err):
		return fault.Wrap(err, fault.Unavailable, "The %s is not a symmetric key for encryption.", c.subject()).
			WithHint("Name a key with KeySpec SYMMETRIC_DEFAULT and KeyUsage ENCRYPT_DECRYPT.")
	case is[*types.InvalidCiphertextException](err):
		return fault.Wrap(err, fault.Invalid, "KMS does not open a data key that should be wrapped under the %s: it was changed, or belongs to another environment or encryption context.", c.subject()).
			WithHint("If KMS_ENCRYPTION_CONTEXT was changed, set it back.")
	case is[*types.IncorrectKeyException](err):
		return fault.Wrap(err, fault.Invalid, "A data key is not wrapped under the %s that its row names.", c.subject()).
			WithHint("The row was changed; restore it from a backup.")
	}
	return nil
}

// explainCode tells why KMS did not do what was asked, whatever the key.
func explainCode(err error, code string, c call) error {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case slices.Contains(deniedCodes, code):
		return fault.Wrap(err, fault.Unavailable, "AWS refuses %s on the %s, or there is no such key in region %s: to keys of other accounts it answers both the same.", c.what(), c.subject(), c.region).
			WithHint("Allow it to Keeper's identity, in its IAM policy and, for a key of another account, in the key's policy too: %s", allow(c.permissions, c.keys(), c.ec))
	case throttled:
		return away(err, "AWS KMS throttled %s on the %s.", c.what(), c.subject()).
			WithHint("It goes on by itself when there are fewer calls; if it stays, lower KEEPER_KMS_RATE or raise the KMS request quota of region %s.", c.region)
	case slices.Contains(expiredCodes, code):
		return fault.Wrap(err, fault.Unavailable, "Keeper's AWS credentials have expired (%s), so the %s cannot be used.", code, c.subject()).
			WithHint("Renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together, or run Keeper under a role, which renews itself; check the clock.")
	case slices.Contains(credentialCodes, code):
		return fault.Wrap(err, fault.Unavailable, "AWS does not accept Keeper's credentials in region %s (%s), so the %s cannot be used.", c.region, code, c.subject()).
			WithHint("Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role that Keeper runs under, and the clock; see to it that the account has region %s switched on, and that AWS_ENDPOINT_URL, if set, serves it.", c.region)
	case broken(err):
		return away(err, "AWS KMS in %s answered %s to %s on the %s.", c.region, code, c.what(), c.subject()).
			WithHint("Try again; if it stays, look at the AWS Health Dashboard for KMS in %s.", c.region)
	default:
		return fault.Wrap(err, fault.Unavailable, "AWS KMS in %s answered %s to %s on the %s.", c.region, code, c.what(), c.subject()).
			WithHint("Try again; if it stays, look at the key with aws kms describe-key --key-id %s --region %s", c.key, c.region)
	}
}

// broken reports whether AWS answered with a defect of its own.
func broken(err error) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() >= 500
}

// explainSilence tells why there is no answer at all.
func explainSilence(err error, c call) error {
	switch {
	case errors.Is(err, context.Canceled):
		// The caller left; that says nothing about KMS.
		return fault.Wrap(err, fault.Unavailable, "The call of AWS KMS in %s about the %s was ended before there was an answer.", c.region, c.subject()).WithHint("Try again.")
	case errors.Is(err, context.DeadlineExceeded):
		return away(err, "AWS KMS in %s did not answer in time about the %s.", c.region, c.subject()).WithHint("Try again.")
	case unanswered(err):
		return away(err, "AWS KMS in %s cannot be reached, so the %s cannot be used.", c.region, c.subject()).
			WithHint("Check the network, AWS_REGION and AWS_ENDPOINT_URL.")
	default:
		return fault.Wrap(err, fault.Unavailable, "AWS KMS in %s could not be asked about the %s.", c.region, c.subject()).
			WithHint("Check that Keeper has AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.")
	}
}

func unanswered(err error) bool {
	return is[*smithyhttp.RequestSendError](err) || is[net.Error](err)
}

// missingHint says where to look for a key that is not where it was looked for.
func missingHint(c call) string {
	switch {
	case strings.HasPrefix(c.key, "arn:"):
		return "Check the ARN, its region and its account; a key that was deleted for good cannot come back, and what stood under it alone opens by the environment's other recipients."
	case strings.HasPrefix(c.key, "alias/"):
		return "Check KMS_KEY_ALIAS, or the alias in the environment's settings, and AWS_REGION; to use a key of another region, name it by its ARN."
	default:
		return "Check KMS_KEY_ID and AWS_REGION; to use a key of another region, name it by its ARN. A key that was deleted for good cannot come back."
	}
}
