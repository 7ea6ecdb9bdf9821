{
  "targets": [{
    "target_name": "clipwright",
    "type": "none",
    "actions": [{
      "action_name": "cmake",
      "inputs": ["CMakeLists.txt"],
      "outputs": ["<(PRODUCT_DIR)/clipwright.node"],
      "action": ["node", "scripts/build-native.mjs"]
    }]
  }]
}
