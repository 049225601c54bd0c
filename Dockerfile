# Keeper as one static binary, in an image that holds nothing else but certificates.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/your-org/keeper/cli.Version=${VERSION}" -o /out/keeper . \
 && install -d -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/keeper /keeper
# SQLite's file and a local master key are made in the working directory.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
VOLUME /data
USER 65532:65532
ENV KEEPER_HOST=0.0.0.0
EXPOSE 8989
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["/keeper", "health"]
ENTRYPOINT ["/keeper"]
CMD ["run"]
