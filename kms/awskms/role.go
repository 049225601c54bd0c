package awskms

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/your-org/keeper/fault"
)

const serviceSTS = "STS"

// credentialSource is the service that was asked for credentials and did not give them, where
// that is why KMS was not asked: "STS", "ec2imds"; empty where it was asked. Of several, as
// where a role is assumed with an instance's credentials, it is the one that failed.
func credentialSource(err error) string {
	source := ""
	outer, ok := errors.AsType[*smithy.OperationError](err)
	for ok {
		if outer, ok = errors.AsType[*smithy.OperationError](outer.Err); ok {
			source = outer.ServiceID
		}
	}
	return source
}

// explainCredentials tells why there are no credentials to ask KMS with.
func (w *Wrapper) explainCredentials(err error, source string, c call) error {
	if source == serviceSTS {
		return w.explainRole(err, c)
	}
	return fault.Wrap(err, fault.Unavailable, "Keeper got no AWS credentials from %s, so the %s cannot be used.", source, c.subject()).
		WithHint("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile by AWS_PROFILE, or run Keeper where a role gives it credentials.")
}

func (w *Wrapper) explainRole(err error, c call) error {
	role, code := "the role "+w.role, ""
	if w.role == "" {
		role = "the role that it runs under"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case errors.Is(err, context.Canceled):
		return explainSilence(err, c)
	case slices.Contains(deniedCodes, code):
		return fault.Wrap(err, fault.Unavailable, "AWS does not let Keeper assume %s, so the %s cannot be used.", role, c.subject()).
			WithHint("Allow sts:AssumeRole on the role to Keeper's identity, let the role's trust policy name that identity, and check KEEPER_KMS_EXTERNAL_ID.")
	case slices.Contains(credentialCodes, code), slices.Contains(expiredCodes, code):
		return explainCode(err, code, c)
	case throttled, broken(err), unanswered(err):
		return away(err, "AWS STS could not be asked for %s, so the %s cannot be used.", role, c.subject()).
			WithHint("Try again; if it stays, check the network and AWS_ENDPOINT_URL.")
	default:
		return fault.Wrap(err, fault.Unavailable, "AWS STS gave no credentials of %s (%s), so the %s cannot be used.", role, code, c.subject()).
			WithHint("Check KEEPER_KMS_ROLE_ARN and KEEPER_KMS_EXTERNAL_ID.")
	}
}
