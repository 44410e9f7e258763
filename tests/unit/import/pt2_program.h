// A small exported program in schema 8.20, as JSON that tests bend: y = relu(conv(x)), dynamic batch.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace graftwork::core::testing {

inline nlohmann::json sample_program() {
  return nlohmann::json::parse(R"json({
    "graph_module": {
      "graph": {
        "inputs": [{"as_tensor": {"name": "p_conv_weight"}}, {"as_tensor": {"name": "x"}}, {"as_float": 3.0}],
        "outputs": [{"as_tensor": {"name": "relu"}}],
        "nodes": [
          {"target": "torch.ops.aten.sym_size.int",
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
                      {"name": "dim", "arg": {"as_int": 0}, "kind": 1}],
           "outputs": [{"as_sym_int": {"as_name": "sym_size_int"}}],
           "metadata": {}, "is_hop_single_tensor_return": null, "name": "sym_size_int"},
          {"target": "torch.ops.aten.conv2d.default",
           "inputs": [{"name": "input", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
                      {"name": "weight", "arg": {"as_tensor": {"name": "p_conv_weight"}}, "kind": 1},
                      {"name": "bias", "arg": {"as_none": true}, "kind": 1},
                      {"name": "stride", "arg": {"as_ints": [1, 2]}, "kind": 2}],
           "outputs": [{"as_tensor": {"name": "conv2d"}}],
           "metadata": {"nn_module_stack": "L__self__,,M;L__self__conv,conv,torch.nn.modules.conv.Conv2d"},
           "is_hop_single_tensor_return": null, "name": "conv2d"},
          {"target": "torch.ops.aten.relu.default",
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "conv2d"}}, "kind": 1}],
           "outputs": [{"as_tensor": {"name": "relu"}}], "metadata": {}}
        ],
        "tensor_values": {
          "x": {"dtype": 7,
                "sizes": [{"as_expr": {"expr_str": "Symbol('s77', positive=True, integer=True)",
                                       "hint": {"as_int": 2}}},
                          {"as_int": 3}],
                "requires_grad": false, "device": {"type": "cpu", "index": null},
                "strides": [{"as_int": 3}, {"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7},
          "a.b": {"dtype": 13, "sizes": [], "requires_grad": true, "device": {"type": "cuda", "index": 1},
                  "strides": [], "storage_offset": {"as_int": 4}, "layout": 7}
        },
        "sym_int_values": {"sym_size_int": {"as_expr": {"expr_str": "Symbol('s77')", "hint": null}}},
        "sym_bool_values": {"b": {"as_bool": true}},
        "sym_float_values": {"f": {"as_float": 0.5}},
        "custom_obj_values": {"o": {"name": "o", "class_fqn": "C"}},
        "is_single_tensor_return": false
      },
      "signature": {
        "input_specs": [
          {"parameter": {"arg": {"name": "p_conv_weight"}, "parameter_name": "conv.weight"}},
          {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
          {"constant_input": {"name": "scale", "value": {"as_float": 3.0}}}
        ],
        "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "relu"}}}}]
      },
      "module_call_graph": [
        {"fqn": "", "signature": {"inputs": [], "outputs": [], "in_spec": "[1, {}]", "out_spec": "[1, null]",
                                  "forward_arg_names": ["x", "scale"]}},
        {"fqn": "conv", "signature": null}
      ],
      "metadata": {"k": "v"},
      "treespec_namedtuple_fields": {"T": {"field_names": ["p", "q"]}}
    },
    "opset_version": {"aten": 10},
    "range_constraints": {"s77": {"min_val": 1, "max_val": null}},
    "schema_version": {"major": 8, "minor": 20},
    "verifiers": ["TRAINING"],
    "torch_version": "2.13.0",
    "guards_code": ["guard"]
  })json");
}

}  // namespace graftwork::core::testing
