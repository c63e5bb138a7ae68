const [HIDDEN, INNER, LAYERS, HEADS, KV_HEADS] = [64, 128, 2, 4, 2]
const SPECIAL = ['<unk>', '<s>', '</s>']

/** The files of a Mistral of a few hundred kilobytes with made-up weights, as transformers saves one. */
export function tinyMistral(): Map<string, Uint8Array> {
  const vocabulary = [...SPECIAL, ...byteCharacters()]
  const config = {
    architectures: ['MistralForCausalLM'],
    model_type: 'mistral',
    vocab_size: vocabulary.length,
    hidden_size: HIDDEN,
    intermediate_size: INNER,
    num_hidden_layers: LAYERS,
    num_attention_heads: HEADS,
    num_key_value_heads: KV_HEADS,
    hidden_act: 'silu',
    max_position_embeddings: 512,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: 'float32',
  }
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: [],
    },
  }
  const settings = {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    chat_template:
      "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]{% else %}{{ m['content'] }}</s>{% endif %}{% endfor %}",
  }
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  return new Map([
    ['config.json', json(config)],
    ['tokenizer.json', json(tokenizer)],
    ['tokenizer_config.json', json(settings)],
    ['generation_config.json', json({ bos_token_id: 1, eos_token_id: 2 })],
    ['model.safetensors', safetensors(shapes(vocabulary.length))],
  ])
}

function shapes(vocabulary: number): [string, number[]][] {
  const keys = (HIDDEN / HEADS) * KV_HEADS
  const layers = Array.from({ length: LAYERS }, (_, layer): [string, number[]][] => [
    [`model.layers.${layer}.input_layernorm.weight`, [HIDDEN]],
    [`model.layers.${layer}.post_attention_layernorm.weight`, [HIDDEN]],
    [`model.layers.${layer}.self_attn.q_proj.weight`, [HIDDEN, HIDDEN]],
    [`model.layers.${layer}.self_attn.k_proj.weight`, [keys, HIDDEN]],
    [`model.layers.${layer}.self_attn.v_proj.weight`, [keys, HIDDEN]],
    [`model.layers.${layer}.self_attn.o_proj.weight`, [HIDDEN, HIDDEN]],
    [`model.layers.${layer}.mlp.gate_proj.weight`, [INNER, HIDDEN]],
    [`model.layers.${layer}.mlp.up_proj.weight`, [INNER, HIDDEN]],
    [`model.layers.${layer}.mlp.down_proj.weight`, [HIDDEN, INNER]],
  ])
  return [
    ['model.embed_tokens.weight', [vocabulary, HIDDEN]],
    ['model.norm.weight', [HIDDEN]],
    ['lm_head.weight', [vocabulary, HIDDEN]],
    ...layers.flat(),
  ]
}

/** The length of the header, the header, and all tensors in F32 in its order. */
function safetensors(tensors: [string, number[]][]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  const numbers: number[] = []
  const random = randomNumbers(7)
  for (const [name, shape] of tensors) {
    const count = shape.reduce((product, side) => product * side, 1)
    const begin = numbers.length * 4
    for (let index = 0; index < count; index++) numbers.push(name.includes('norm') ? 1 : random() * 0.1 - 0.05)
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, numbers.length * 4] }
  }
  const text = JSON.stringify(header)
  const head = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  const file = new Uint8Array(8 + head.length + numbers.length * 4)
  const view = new DataView(file.buffer)
  view.setBigUint64(0, BigInt(head.length), true)
  file.set(head, 8)
  numbers.forEach((value, index) => view.setFloat32(8 + head.length + index * 4, value, true))
  return file
}

/** The 256 characters that stand for bytes in GPT-2's way of writing them. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let other = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : other++))
}

/** Numbers from 0 to 1, the same every time. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
