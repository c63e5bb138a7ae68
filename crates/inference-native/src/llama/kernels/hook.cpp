// Lets ggml's threads ask for each step of a graph whether it is computed here.
//
// ggml asks its "extra buffer types" that, for weights that it has put into another order at loading. One that holds no
// weights, and is asked alone, lets weights stay as they are, mapped from their file. What is declared here stands in
// ggml's traits.h and ggml-backend-impl.h, of the version that Cargo.lock names: those headers are not installed.

#include <cstddef>
#include <vector>

struct ggml_tensor;
struct ggml_compute_params;
struct ggml_backend_device;

struct ggml_backend_buffer_type {
    const char * (*get_name)(ggml_backend_buffer_type *);
    void * (*alloc_buffer)(ggml_backend_buffer_type *, size_t);
    const void * alloc_buffer_n;
    size_t (*get_alignment)(ggml_backend_buffer_type *);
    const void * others[4];
    ggml_backend_device * device;
    void * context;
};

std::vector<ggml_backend_buffer_type *> & ggml_backend_cpu_get_extra_buffer_types();

namespace ggml::cpu {
class tensor_traits {
  public:
    virtual ~tensor_traits();
    virtual bool work_size(int n_threads, const ggml_tensor * op, size_t & size) = 0;
    virtual bool compute_forward(ggml_compute_params * params, ggml_tensor * op) = 0;
};

class extra_buffer_type {
  public:
    virtual ~extra_buffer_type();
    virtual bool supports_op(ggml_backend_device * dev, const ggml_tensor * op) = 0;
    virtual tensor_traits * get_tensor_traits(const ggml_tensor * op) = 0;
};
}  // namespace ggml::cpu

extern "C" {
bool craton_kernels_take(const ggml_tensor * op);
size_t craton_kernels_room(int threads, const ggml_tensor * op);
bool craton_kernels_compute(ggml_compute_params * params, ggml_tensor * op);
}

namespace {
struct steps final : ggml::cpu::tensor_traits {
    bool work_size(int n_threads, const ggml_tensor * op, size_t & size) override {
        size = craton_kernels_room(n_threads, op);
        return true;
    }
    bool compute_forward(ggml_compute_params * params, ggml_tensor * op) override {
        return craton_kernels_compute(params, op);
    }
};

struct hook final : ggml::cpu::extra_buffer_type {
    steps all;
    // No weights lie in it.
    bool supports_op(ggml_backend_device *, const ggml_tensor *) override { return false; }
    ggml::cpu::tensor_traits * get_tensor_traits(const ggml_tensor * op) override {
        return craton_kernels_take(op) ? &all : nullptr;
    }
};

// What asks for a buffer of it gets none.
const char * name(ggml_backend_buffer_type *) { return "craton"; }
void * allocate(ggml_backend_buffer_type *, size_t) { return nullptr; }
size_t alignment(ggml_backend_buffer_type *) { return 64; }
}  // namespace

// Once, before any graph is computed.
extern "C" void craton_kernels_register() {
    // They stay until the process ends.
    static ggml_backend_buffer_type * type = new ggml_backend_buffer_type{ name, allocate, {}, alignment, {}, nullptr, new hook };
    ggml_backend_cpu_get_extra_buffer_types().push_back(type);
}
