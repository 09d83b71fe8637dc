package telemetry

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
)

// call is one over gRPC, whose request is there as a whole. The codec gets it in place
// of the message: gRPC answers each error of a codec's with INTERNAL, upon which no
// sender tries again.
type call struct {
	ctx     context.Context
	intake  *intake
	message proto.Message
	held    int   // bytes
	entered bool  // it has a slot
	refused error // a status
}

// registrar registers services with calls that the intake bounds.
type registrar struct {
	*grpc.Server
	intake *intake
}

// RegisterService implements [grpc.ServiceRegistrar].
func (r registrar) RegisterService(desc *grpc.ServiceDesc, service any) {
	bounded := *desc
	bounded.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		handle := m.Handler
		m.Handler = func(service any, ctx context.Context, decode func(any) error, by grpc.UnaryServerInterceptor) (any, error) {
			c := &call{ctx: ctx, intake: r.intake}
			defer c.end()
			return handle(service, ctx, func(message any) error {
				c.message = message.(proto.Message)
				if err := decode(c); err != nil {
					return err
				}
				return c.refused
			}, by)
		}
		bounded.Methods[i] = m
	}
	r.Server.RegisterService(&bounded, service)
}

// take decodes a call's request once it is its turn.
func (c *call) take(data mem.BufferSlice, by encoding.CodecV2) error {
	c.held = data.Len()
	if !c.intake.hold(c.held) {
		return status.Error(codes.Unavailable, errCrowded.Error()) // which OTLP's senders try again
	}
	if err := c.intake.acquire(c.ctx); err != nil {
		return status.FromContextError(err).Err()
	}
	c.entered = true
	if err := checkFields(data.Materialize(), c.message); err != nil {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	if err := by.Unmarshal(data, c.message); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

// end gives back what the call holds.
func (c *call) end() {
	if c.entered {
		c.intake.releaseSlot()
	}
	c.intake.release(c.held)
}

// codec decodes the calls of a [registrar].
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	one := v.(*call)
	one.refused = one.take(data, c.CodecV2)
	return nil
}

// limitTime is a [tap.ServerInHandle] that ends a call whose request is not there in
// time, as the other server does.
func limitTime(ctx context.Context, _ *tap.Info) (context.Context, error) {
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	context.AfterFunc(ctx, cancel) // the call has ended
	return limited, nil
}
