package awssm

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"

	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/fault"
)

// operation is one of AWS's calls: how a sentence tells of it, and its IAM action.
type operation struct{ words, action string }

var (
	opList      = operation{"list secrets", "ListSecrets"}
	opDescribe  = operation{"look up", "DescribeSecret"}
	opBatchGet  = operation{"read", "BatchGetSecretValue"}
	opGet       = operation{"read", "GetSecretValue"}
	opCreate    = operation{"create", "CreateSecret"}
	opPut       = operation{"write", "PutSecretValue"}
	opStage     = operation{"move the current version of", "UpdateSecretVersionStage"}
	opTag       = operation{"tag", "TagResource"}
	opUntag     = operation{"take the tags off", "UntagResource"}
	opDelete    = operation{"delete", "DeleteSecret"}
	opUpdate    = operation{"change the key of", "UpdateSecret"}
	opReplicate = operation{"replicate", "ReplicateSecretToRegions"}
	opWithdraw  = operation{"end the replication of", "RemoveRegionsFromReplication"}
	opRestore   = operation{"restore", "RestoreSecret"}
)

func (op operation) permission() string { return "secretsmanager:" + op.action }

// on is "write keeper/production/db".
func (op operation) on(name string) string {
	if name == "" {
		return op.words
	}
	return op.words + " " + name
}

// meaning is what a code of AWS comes to.
type meaning struct {
	kind fault.Kind
	why  string
	hint string
}

var (
	meansDenied      = meaning{fault.Forbidden, "permission is missing", ""} // the hint names it
	meansCredentials = meaning{fault.Forbidden, "AWS does not accept the credentials", "Check the destination's access key, that it has not ended, and the clock of this machine."}
	meansThrottled   = meaning{fault.Throttled, "AWS counts too many requests for this account and region", "Keeper tries again later."}
	meansUnavailable = meaning{fault.Unavailable, "AWS does not answer properly now", "Keeper tries again later."}
	meansState       = meaning{fault.Conflict, "the secret is in a state that does not allow it, such as scheduled for deletion", "Look at the secret in AWS."}
	meansInvalid     = meaning{fault.Invalid, "AWS does not accept the name, the value or a setting of the destination", "Check the name, the size of the value and the KMS key."}
	meansKey         = meaning{fault.Unavailable, "the KMS key cannot be used", "Check that the secret's KMS key is enabled, and that kms:Decrypt and kms:GenerateDataKey on it are allowed."}
)

var meanings = map[string]meaning{
	"AccessDeniedException":               meansDenied,
	"AccessDenied":                        meansDenied,
	"UnauthorizedOperation":               meansDenied,
	"UnrecognizedClientException":         meansCredentials,
	"InvalidClientTokenId":                meansCredentials,
	"InvalidSignatureException":           meansCredentials,
	"SignatureDoesNotMatch":               meansCredentials,
	"IncompleteSignature":                 meansCredentials,
	"IncompleteSignatureException":        meansCredentials,
	"MissingAuthenticationToken":          meansCredentials,
	"MissingAuthenticationTokenException": meansCredentials,
	"ExpiredToken":                        meansCredentials,
	"ExpiredTokenException":               meansCredentials,
	"RequestExpired":                      meansCredentials,
	"OptInRequired":                       meansCredentials,
	"ResourceNotFoundException":           {fault.NotFound, "there is no such secret", ""},
	"ResourceExistsException":             {fault.Conflict, "the name is taken", "Look at the secret in AWS: it was not made by this write."},
	"InvalidRequestException":             meansState,
	"PreconditionNotMetException":         meansState,
	"InvalidParameterException":           meansInvalid,
	"ValidationException":                 meansInvalid,
	"InvalidNextTokenException":           {fault.Unavailable, "AWS lost track of the listing", "Keeper tries again later."},
	"LimitExceededException":              {fault.Throttled, "a limit of AWS is reached, such as 100 versions within a day", "Wait, or write this secret less often."},
	"DecryptionFailure":                   meansKey,
	"DecryptionFailureException":          meansKey,
	"EncryptionFailure":                   meansKey,
	"EncryptionFailureException":          meansKey,
	"ThrottlingException":                 meansThrottled,
	"ThrottledException":                  meansThrottled,
	"Throttling":                          meansThrottled,
	"RequestThrottled":                    meansThrottled,
	"RequestLimitExceeded":                meansThrottled,
	"TooManyRequestsException":            meansThrottled,
	"InternalServiceError":                meansUnavailable,
	"InternalFailure":                     meansUnavailable,
	"ServiceUnavailable":                  meansUnavailable,
	"ServiceUnavailableException":         meansUnavailable,
}

// codeOf is AWS's code of an error, "" where AWS did not answer.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// fail explains an error of the SDK.
func (d *Driver) fail(err error, op operation, name string) error {
	code := codeOf(err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.Unavailable, "Keeper stopped waiting for AWS Secrets Manager to %s.", op.on(name))
	case errors.Is(err, egress.ErrRefused):
		return fault.Wrap(err, fault.Invalid, "Keeper does not connect to the destination's endpoint to %s: it is link-local, or a cloud's metadata service.", op.on(name)).
			WithHint("Enter another endpoint.")
	case d.assuming(err):
		return d.failRole(err, code, op, name)
	case code == "":
		return fault.Wrap(err, fault.Unavailable, "AWS Secrets Manager could not be reached to %s.", op.on(name)).
			WithHint("Check the network, the region and the endpoint of the destination, and its credentials.")
	}
	return d.failCode(code, op, name, err)
}

// failCode explains one of AWS's codes. A code that is not known is a failure, never an
// absence.
func (d *Driver) failCode(code string, op operation, name string, cause error) error {
	m, known := meanings[code]
	if !known {
		m = meaning{fault.Unavailable, "AWS answered " + code, "Look the code up in the documentation of " + op.action + "."}
	}
	if m.kind == fault.Forbidden && m.hint == "" {
		m.hint = "Allow " + op.permission() + " on the destination's names; where the secret has a KMS key of its own, allow its use too."
	}
	if m.kind == fault.Invalid {
		cause = nil // AWS quotes the parameter that it does not like
	}
	return fault.Wrap(cause, m.kind, "AWS Secrets Manager cannot %s: %s.", op.on(name), m.why).WithHint("%s", m.hint)
}

// assuming reports whether it was the role that could not be assumed.
func (d *Driver) assuming(err error) bool {
	var outer, inner *smithy.OperationError
	return d.roleARN != "" && errors.As(err, &outer) && errors.As(outer.Err, &inner) && inner.ServiceID == "STS"
}

func (d *Driver) failRole(err error, code string, op operation, name string) error {
	m, known := meanings[code]
	if !known {
		m = meansUnavailable
	}
	if m.kind != fault.Throttled && m.kind != fault.Unavailable {
		m = meaning{fault.Forbidden, "", "Allow sts:AssumeRole on it, let the role trust Keeper's account, and check the external id."}
	}
	return fault.Wrap(err, m.kind, "Keeper cannot assume the role %s to %s.", d.roleARN, op.on(name)).WithHint("%s", m.hint)
}
