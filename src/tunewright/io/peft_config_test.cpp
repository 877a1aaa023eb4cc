#include "tunewright/io/peft_config.h"

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"

namespace tunewright::io {
namespace {

using testing::TemporaryFolder;

PeftConfig parse(const std::string& more) {
  return parse_peft_config(
      parse_json(R"({"peft_type":"LORA","target_modules":["q_proj","v_proj"])" + more + "}",
                 "test"),
      "a.json");
}

// What PEFT 0.21.2 writes for LoraConfig(r=4, target_modules=["q_proj", "v_proj"],
// task_type="CAUSAL_LM").
constexpr const char* kWrittenByPeft = R"({
  "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null, "auto_mapping": null,
  "base_model_name_or_path": "models/base", "bias": "none", "corda_config": null, "ensure_weight_tying": false,
  "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
  "init_lora_weights": true, "layer_replication": null, "layers_pattern": null, "layers_to_transform": null,
  "loftq_config": {}, "lora_alpha": 8, "lora_bias": false, "lora_dropout": 0.05, "megatron_config": null,
  "megatron_core": "megatron.core", "modules_to_save": null, "peft_type": "LORA", "peft_version": "0.21.2",
  "qalora_group_size": 16, "r": 4, "rank_pattern": {}, "revision": null, "target_modules": ["q_proj", "v_proj"],
  "target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": null, "use_bdlora": null,
  "use_dora": false, "use_qalora": false, "use_rslora": true})";

TEST(PeftConfig, ReadsWhatPeftWrites) {
  const auto config = parse_peft_config(parse_json(kWrittenByPeft, "test"), "test");
  EXPECT_EQ(config.r, 4);
  EXPECT_EQ(config.lora_alpha, 8.0);
  EXPECT_EQ(config.lora_dropout, 0.05);
  EXPECT_TRUE(config.use_rslora);
  EXPECT_EQ(config.base_model_name_or_path, "models/base");
  EXPECT_EQ(config.target_modules, (std::vector<std::string>{"q_proj", "v_proj"}));
}

TEST(PeftConfig, RoundTrip) {
  TemporaryFolder folder;
  PeftConfig config{.base_model_name_or_path = "m",
                    .r = 3,
                    .lora_alpha = 1.5,
                    .lora_dropout = 0.25,
                    .use_rslora = true,
                    .target_modules = {"q_proj"},
                    .rank_pattern = {{"layers.1.self_attn.q_proj", 7}},
                    .alpha_pattern = {{"q_proj", 2.5}}};
  write_peft_config(folder.path(), config);
  const auto back = read_peft_config(folder.path());
  EXPECT_EQ(dump_json(peft_config_json(back)), dump_json(peft_config_json(config)));
  EXPECT_EQ(back.rank_pattern, config.rank_pattern);
  EXPECT_EQ(back.lora_alpha, 1.5);
}

TEST(PeftConfig, TargetsByListPatternAndExclusion) {
  const auto list = parse("");
  EXPECT_TRUE(targets_module(list, "model.layers.0.self_attn.q_proj"));
  EXPECT_FALSE(targets_module(list, "model.layers.0.self_attn.xq_proj"));
  const auto pattern =
      parse_peft_config({{"peft_type", "LORA"}, {"target_modules", R"(.*\.[12]\..*q_proj)"}}, "t");
  EXPECT_TRUE(targets_module(pattern, "model.layers.1.self_attn.q_proj"));
  EXPECT_FALSE(targets_module(pattern, "model.layers.0.self_attn.q_proj"));
  const auto all = parse_peft_config(
      {{"peft_type", "LORA"}, {"target_modules", "all-linear"}, {"exclude_modules", {"up_proj"}}},
      "t");
  EXPECT_TRUE(targets_module(all, "model.layers.1.mlp.down_proj"));
  EXPECT_FALSE(targets_module(all, "model.layers.1.mlp.up_proj"));
}

TEST(PeftConfig, PatternsOfRankAndAlphaMatchTheNamesEnd) {
  const auto config = parse(
      R"(,"r":4,"lora_alpha":8,"rank_pattern":{"layers\\.1\\..*q_proj":9},"alpha_pattern":{"v_proj":3})");
  EXPECT_EQ(lora_size(config, "model.layers.1.self_attn.q_proj").r, 9);
  EXPECT_EQ(lora_size(config, "model.layers.0.self_attn.q_proj").r, 4);
  EXPECT_EQ(lora_size(config, "model.layers.0.self_attn.v_proj").alpha, 3);
}

TEST(PeftConfig, WhatIsNotSupportedIsNamed) {
  EXPECT_USER_ERROR(parse(R"(,"use_dora":true)"),
                    "a.json: 'use_dora': this part of PEFT is not supported");
  EXPECT_USER_ERROR(parse(R"(,"modules_to_save":["lm_head"])"), "'modules_to_save'");
  EXPECT_USER_ERROR(parse(R"(,"bias":"all")"), "'bias': only 'none' is supported, got 'all'");
  EXPECT_USER_ERROR(parse(R"(,"init_lora_weights":"pissa")"), "changes the base model's weights");
  EXPECT_USER_ERROR(parse_peft_config({{"peft_type", "IA3"}}, "t"),
                    "only 'LORA' is supported, got 'IA3'");
  EXPECT_USER_ERROR(parse_peft_config({{"peft_type", "LORA"}}, "t"),
                    "'target_modules': no module is named");
}

TEST(PeftConfig, WrongTypesAndRanges) {
  EXPECT_USER_ERROR(parse(R"(,"r":0)"), "'r': must be from 1 to 1048576, got 0");
  EXPECT_USER_ERROR(parse(R"(,"r":1.5)"), "'r': must be a number, got 1.5");
  EXPECT_USER_ERROR(parse(R"(,"lora_dropout":1)"), "'lora_dropout': must be from 0 to below 1");
  EXPECT_USER_ERROR(parse(R"(,"use_rslora":"yes")"), "must be true or false");
  EXPECT_USER_ERROR(parse(R"(,"rank_pattern":[])"), "'rank_pattern': must be an object");
  EXPECT_USER_ERROR(
      targets_module(parse_peft_config({{"peft_type", "LORA"}, {"target_modules", "("}}, "t"), "a"),
      "is not a regular expression");
  EXPECT_USER_ERROR(
      targets_module(
          parse_peft_config({{"peft_type", "LORA"}, {"target_modules", "(a|a?)+[^a]"}}, "t"),
          std::string(60, 'a')),
      "takes too long");
}

}  // namespace
}  // namespace tunewright::io
