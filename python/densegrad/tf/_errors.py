"""`tf.errors`: those of densegrad under TensorFlow's names, and those that nothing here raises."""

from densegrad import errors


def _unraised(name):
    doc = f"TensorFlow's error of this name, which nothing here raises. Source: TensorFlow `errors.{name}`."
    return type(name, (errors.OpError,), {"__doc__": doc, "__module__": __name__})


TABLE = {name: getattr(errors, name) for name in errors.__all__} | {
    name: _unraised(name)
    for name in (
        "AbortedError AlreadyExistsError CancelledError DataLossError DeadlineExceededError FailedPreconditionError "
        "InternalError NotFoundError OperatorNotAllowedInGraphError PermissionDeniedError UnauthenticatedError "
        "UnavailableError UnimplementedError UnknownError"
    ).split()
}
